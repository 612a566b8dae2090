"""What customers write, in two languages: unhappy or happy, by the place it is about."""

from __future__ import annotations

import numpy as np

from analysis.simulation.world import Streams

COMMENTS: dict[tuple[str, bool], tuple[tuple[str, ...], tuple[str, ...]]] = {
    # (touchpoint, russian): (unhappy, happy)
    ("returns desk", False): (
        ("Refund took weeks", "Returns desk sent me away twice", "Parcel returned, no refund yet"),
        ("Return was easy this time", "Refund came quickly"),
    ),
    ("returns desk", True): (
        ("Возврат денег тянется неделями", "Пункт возврата отправил меня обратно", "Вернул товар, денег нет"),
        ("Возврат прошёл быстро", "Деньги вернули сразу"),
    ),
    ("delivery", False): (
        ("Delivery came late again", "Waited all day, late delivery"),
        ("Delivered on the day promised", "Friendly driver"),
    ),
    ("delivery", True): (
        ("Доставка опять опоздала", "Ждали весь день, доставка с опозданием"),
        ("Привезли вовремя", "Вежливый курьер"),
    ),
    ("", False): (
        ("Had to explain everything twice", "Nobody called me back", "Bill is hard to understand"),
        ("Quick and friendly help", "Problem solved at once", "Clear answer, thank you"),
    ),
    ("", True): (
        ("Пришлось объяснять дважды", "Никто не перезвонил", "Счёт непонятный"),
        ("Быстро и вежливо помогли", "Вопрос решили сразу", "Понятный ответ, спасибо"),
    ),
}  # fmt: skip


def write_comments(
    streams: Streams, touchpoint: np.ndarray, russian: np.ndarray, rating: np.ndarray
) -> list[str]:
    """A comment for some of the ratings, "" for the others; russian: the customers' language."""
    rng = streams.of("writing", 1)
    writes, pick = rng.random(len(rating)) < 0.18, rng.integers(0, 1000, len(rating))
    comments = []
    for place, is_russian, score, speaks, number in zip(
        touchpoint, russian, rating, writes, pick, strict=True
    ):
        if not speaks or not (score <= 2 or score >= 4):
            comments.append("")
            continue
        place = place if (place, bool(is_russian)) in COMMENTS else ""
        unhappy, happy = COMMENTS[(place, bool(is_russian))]
        choice = unhappy if score <= 2 else happy
        comments.append(choice[number % len(choice)])
    return comments
