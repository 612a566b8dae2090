"""Comments: words, stems, what the unhappy write, and what is never told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.comments import CommentStudy, compare_comments
from analysis.methods.comments.log_odds import pooled_prior, weighted_log_odds
from analysis.methods.comments.stem_english import stem_english
from analysis.methods.comments.stem_russian import stem_russian
from analysis.methods.comments.words import terms_of
from analysis.methods.estimate import CannotEstimate

DEMO = Path(__file__).resolve().parents[2] / "data" / "demo" / "surveys.csv"


def written(comment: str, words: int = 1) -> list[str]:
    return [term.written for term in terms_of(comment) if term.words == words]


def stems(comment: str) -> set[str]:
    return {term.stem for term in terms_of(comment)}


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    surveys = pd.read_csv(DEMO, keep_default_na=False)
    answers = surveys[surveys["instrument"] == "csat"].copy()
    answers["score"] = pd.to_numeric(answers["score"])
    return answers


def study_of(answers: pd.DataFrame) -> CommentStudy:
    return compare_comments(
        list(answers["comment"]),
        answers["score"],
        list(answers["customer_id"]),
        2,
        4,
        list(answers["touchpoint"]),
    )


@pytest.fixture(scope="module")
def demo(answers: pd.DataFrame) -> CommentStudy:
    return study_of(answers)


def crowd(unhappy: str, happy: str, each: int = 20) -> CommentStudy:
    """As many customers who write one thing as who write the other."""
    scores = [1.0] * each + [5.0] * each
    return compare_comments([unhappy] * each + [happy] * each, scores, range(2 * each), 2, 4)


# Words and pairs


def test_one_spelling_for_what_is_written_in_several() -> None:
    variants = ("Ещё НЕПОНЯТНЫЙ счёт", "еще непонятный счет", "Ещё непонятный счёт")
    decomposed = "еще\u0308 непонятныи\u0306 сче\u0308т"
    assert len({frozenset(stems(text)) for text in (*variants, decomposed)}) == 1
    assert written("ＲＥＦＵＮＤ re\u00adfund") == ["refund", "refund"]


def test_script_decides_the_language_and_lookalikes_are_mended() -> None:
    found = {term.written: term.language for term in terms_of("Возврат refund, вoзврaт")}
    assert found["возврат"] == "ru"
    assert found["refund"] == "en"
    assert written("вoзврaт") == ["возврат"]  # typed with Latin о and а


def test_pairs_reach_over_stop_words_but_not_over_a_full_stop() -> None:
    assert written("The bill is hard to understand", 2) == ["bill is hard", "hard to understand"]
    assert written("Parcel returned, no refund", 2) == ["parcel returned", "no refund"]
    assert written("Refund. Late", 2) == []
    assert written("Refund 12 late", 2) == []


def test_a_negation_is_half_a_pair_and_no_word() -> None:
    assert written("не работает", 1) == ["работает"]
    assert stems("не работает") == {"работа", "не работа"}
    assert stems("doesn't work") == {"work", "not work"}


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "👍👍",
        "…!!!",
        "12345 +7 900 123-45-67",
        "anna@example.org https://example.org/x?a=b",
        "的退款",
    ],
)
def test_what_holds_no_word_yields_no_term(comment: str) -> None:
    assert list(terms_of(comment)) == []


def test_terms_are_letters_only() -> None:
    hostile = (
        '<script>alert("x")</script> =HYPERLINK("evil") @SUM(A1) {{7*7}} \\x00 \u202erefund\u202c'
    )
    for term in terms_of(hostile):
        assert all(part.isalpha() for part in term.written.replace("-", "").split()), term


@pytest.mark.parametrize(
    ("one", "other"),
    [("refund", "refunds"), ("waiting", "waited"), ("return", "returned"), ("polite", "politely")],
)
def test_english_forms_share_a_stem(one: str, other: str) -> None:
    assert stem_english(one) == stem_english(other)
    assert stem_english("delivery") != stem_english("billing")


@pytest.mark.parametrize(
    ("one", "other"),
    [("доставка", "доставкой"), ("возврат", "возвратом"), ("опоздала", "опоздали"),
     ("неделя", "неделями"), ("грубый", "грубая")],
)  # fmt: skip
def test_russian_forms_share_a_stem(one: str, other: str) -> None:
    assert stem_russian(one) == stem_russian(other)
    assert stem_russian("возврат") != stem_russian("доставка")


# The comparison


def test_what_was_planted_is_among_the_first_five(demo: CommentStudy) -> None:
    for language, returns, late in (
        ("en", ("refund", "return"), ("late", "deliver")),
        ("ru", ("возврат", "денег", "верн"), ("опозд", "доставк")),
    ):
        five = demo.top(language, 5)  # type: ignore[arg-type]
        told = [" ".join((term.term, *term.companions)) for term in five]
        for topic, place in ((returns, "returns desk"), (late, "delivery")):
            here = [t for t, term in zip(told, five, strict=True) if term.touchpoint == place]
            assert any(word in text for text in here for word in topic), (language, place, told)


def test_words_of_a_touchpoint_are_found_at_it(demo: CommentStudy) -> None:
    assert {"returns", "refund"} <= {t.term for t in demo.at_touchpoint("returns desk", "en")}
    assert {"delivery", "late"} <= {t.term for t in demo.at_touchpoint("delivery", "en")}
    assert "возврат" in {t.term for t in demo.at_touchpoint("returns desk", "ru")}
    assert "доставка" in {t.term for t in demo.at_touchpoint("delivery", "ru")}
    assert demo.at_touchpoint("no such place", "en") == ()


def test_happy_words_stand_at_the_other_end(demo: CommentStudy) -> None:
    assert demo.top("en", 1, "happy")[0].term == "quick"
    assert demo.top("ru", 1, "happy")[0].term == "быстро"
    assert not set(demo.top("en", 20)) & set(demo.top("en", 20, "happy"))


def test_the_order_of_rows_and_the_names_of_customers_change_nothing(
    answers: pd.DataFrame, demo: CommentStudy
) -> None:
    shuffled = answers.sample(frac=1, random_state=3)
    shuffled["customer_id"] = "x" + shuffled["customer_id"].str[::-1]
    assert study_of(shuffled) == demo


def test_scores_that_mean_nothing_find_no_words(answers: pd.DataFrame) -> None:
    spoken = answers[answers["comment"] != ""].drop_duplicates("customer_id")
    alarms = 0
    for seed in range(40):
        mixed = spoken.assign(
            score=np.random.default_rng(seed).permutation(spoken["score"].to_numpy())
        )
        study = study_of(mixed)
        alarms += any(study.top(base.language) for base in study.bases)
    assert alarms <= 5  # at most one in twenty is expected for each of two languages


def test_no_term_of_fewer_than_eight_customers_is_told() -> None:
    rare = ["Ivanov was rude, refund late"] * 7 + ["refund late"] * 20 + ["quick help"] * 20
    scores = [1.0] * 27 + [5.0] * 20
    study = compare_comments(rare, scores, range(47), 2, 4)
    assert "ivanov" not in str(study).lower()
    assert "rude" not in str(study)
    assert {term.term for term in study.terms} >= {"refund", "late", "quick"}


def test_one_customer_who_repeats_himself_counts_once() -> None:
    comments = ["scandal"] * 50 + ["late refund"] * 10 + ["quick help"] * 20
    who = [0] * 50 + list(range(1, 31))
    study = compare_comments(comments, [1.0] * 60 + [5.0] * 20, who, 2, 4)
    assert "scandal" not in {term.term for term in study.terms}
    assert study.bases[0].unhappy == 11


def test_counts_add_up_to_what_was_written() -> None:
    study = crowd("late refund", "quick refund")
    refund = next(term for term in study.terms if term.stem == "refund")
    late = next(term for term in study.terms if term.stem == "late")
    assert (refund.unhappy, refund.happy, refund.customers) == (20, 20, 40)
    assert refund.z == pytest.approx(0)
    assert not refund.distinguishable
    assert (late.unhappy, late.happy) == (20, 0)
    assert late.log_odds.lower is not None
    assert late.log_odds.lower > 0
    assert study.top("en")[0].term == "late refund"  # a pair says more than its words
    assert study.top("en")[0].companions == ("late",)


def test_the_prior_keeps_a_word_that_one_side_never_used_finite_and_near() -> None:
    used, unused = np.array([8, 80]), np.array([0, 0])
    odds = weighted_log_odds(used, unused, 400, 400, pooled_prior(used, unused, 400, 400))
    assert np.isfinite(odds.value).all()
    assert odds.z[1] > 2 * odds.z[0] > 0


def test_a_language_that_nobody_wrote_says_so() -> None:
    study = crowd("late refund", "quick help")
    assert [base.language for base in study.bases] == ["en"]
    ((language, reason),) = study.unavailable
    assert language == "ru"
    assert reason.reason == "No comment is written in Russian."
    assert study.top("ru") == ()


@pytest.mark.parametrize(
    ("comments", "scores", "says"),
    [
        ([], [], "No answer carries a comment."),
        (["", None, "  "], [1, 2, 5], "No answer carries a comment."),
        (["good"] * 20, [5] * 20, "No comment was left by an unhappy customer"),
        (["bad"] * 20, [1] * 20, "No comment was left by a happy customer"),
        (["👍"] * 20, [5] * 10 + [1] * 10, "No comment by an unhappy customer holds a word"),
        (["fine"] * 20, [3] * 20, "No comment was left by an unhappy customer"),
        (["fine"] * 20, [float("nan")] * 20, "No comment was left by an unhappy customer"),
        (["good"] * 20 + ["bad"] * 3, [5] * 20 + [1] * 3, "Fewer than 8 unhappy customers"),
    ],
)
def test_comments_that_bear_no_comparison_give_a_sentence(
    comments: list[str | None], scores: list[float], says: str
) -> None:
    with pytest.raises(CannotEstimate, match=says):
        compare_comments(comments, scores, range(len(comments)), 2, 4)


def test_many_words_of_few_give_a_sentence() -> None:
    letters = "abcdefghijklmnopqrst"
    comments = [f"word{letter}x{letter}q" for letter in letters]
    with pytest.raises(CannotEstimate, match="No word was used in English by 8 customers or more"):
        compare_comments(comments, [1.0, 5.0] * 10, range(20), 2, 4)


def test_hostile_text_is_only_text() -> None:
    study = crowd('<img src=x onerror="alert(1)"> =cmd|calc!A1' + "a" * 200_000, "nice <b>help</b>")
    for term in study.terms:
        assert not set("<>=\"'|!()&") & set(term.term)
        assert len(term.term) <= 100
