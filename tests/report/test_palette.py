"""Colours of figures hold for colour-blind readers, on white paper and in grey print."""

from __future__ import annotations

import itertools

import pytest

from analysis.presentation.figures import DASHES, MUTED, PALETTE

# Machado, Oliveira and Fernandes 2009, full severity, on linear RGB.
DEFICIENCIES = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
Colour = tuple[float, float, float]


def linear(colour: str) -> Colour:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return r, g, b


def luminance(rgb: Colour) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def lab(rgb: Colour) -> Colour:
    """CIE L*a*b* under D65."""
    r, g, b = rgb
    x, y, z = (
        v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in (
            (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
            luminance(rgb),
            (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen_with(deficiency: str, rgb: Colour) -> Colour:
    r, g, b = (
        min(max(sum(weight * part for weight, part in zip(row, rgb, strict=True)), 0.0), 1.0)
        for row in DEFICIENCIES[deficiency]
    )
    return r, g, b


def distance(one: Colour, other: Colour) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def nearest(colours: tuple[str, ...], deficiency: str) -> float:
    seen = [lab(seen_with(deficiency, linear(colour))) for colour in colours]
    return min(distance(a, b) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("colour", [*PALETTE, MUTED])
def test_a_line_stands_out_from_white(colour: str) -> None:
    assert 1.05 / (luminance(linear(colour)) + 0.05) >= 3, "WCAG 1.4.11"


@pytest.mark.parametrize("colour", PALETTE[:4])
def test_a_label_in_the_colour_of_its_line_can_be_read(colour: str) -> None:
    assert 1.05 / (luminance(linear(colour)) + 0.05) >= 4.5, "WCAG 1.4.3"


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart_by_colour_blind_readers(deficiency: str) -> None:
    """A difference of 10 is plain to see for neighbouring patches; lines ask for more."""
    assert nearest(PALETTE, deficiency) >= 14


def test_in_grey_print_the_first_four_are_four_greys() -> None:
    """Figures rarely show more than four groups; beyond that dashes tell them apart."""
    greys = sorted(lab(linear(colour))[0] for colour in PALETTE[:4])
    assert min(b - a for a, b in itertools.pairwise(greys)) >= 8
    assert len(DASHES) >= 4
