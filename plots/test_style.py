# SPDX-License-Identifier: MIT
"""Looks: Okabe and Ito's colours, and one look for a mechanism wherever it appears."""

from plots import style
from plots.testing import ALL_VARIANTS

#: Okabe and Ito's eight, black as near as the SVG lets it be.
_OKABE_ITO = {
    "#010101",
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
}


def test_mechanisms_use_okabe_and_itos_colours() -> None:
    for name, look in style.MECHANISMS.items():
        assert look.colour in _OKABE_ITO or name == "null"


def test_no_two_mechanisms_share_colour_marker_or_dash() -> None:
    looks = list(style.MECHANISMS.values())
    for attribute in ("colour", "marker", "dash", "order"):
        assert len({getattr(look, attribute) for look in looks}) == len(looks)


def test_a_variant_keeps_the_colour_marker_and_dash_of_its_mechanism() -> None:
    for model in ALL_VARIANTS:
        family, own = style.mechanism_look(model.mechanism), style.look(
            model.mechanism, model.variant
        )
        assert (own.colour, own.marker, own.dash) == (family.colour, family.marker, family.dash)


def test_variants_of_a_mechanism_differ_in_fill_or_weight() -> None:
    for mechanism in ("select", "poll", "epoll", "io_uring"):
        names = [model.variant for model in ALL_VARIANTS if model.mechanism == mechanism]
        looks = {(style.look(mechanism, v).fill, style.look(mechanism, v).weight) for v in names}
        assert len(looks) == len(names), mechanism


def test_a_plug_in_looks_alike_in_every_report_and_like_no_mechanism_of_ours() -> None:
    own = {(look.colour, look.marker) for look in style.MECHANISMS.values()}
    for name in ("libuv", "libevent", "asio", ""):
        look = style.look(name, "any")
        assert look == style.look(name, "any")
        assert (look.colour, look.marker) not in own


def test_every_colour_has_a_light_and_a_dark_value() -> None:
    assert _OKABE_ITO <= set(style.CSS_COLOURS)
    variables = [entry[0] for entry in style.CSS_COLOURS.values()]
    assert len(set(variables)) == len(variables)
    for colour, (_, light, _dark) in style.CSS_COLOURS.items():
        assert light == colour
