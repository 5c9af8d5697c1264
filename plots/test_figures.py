# SPDX-License-Identifier: MIT
"""Every figure with and without its data: what is drawn, said and numbered."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import pytest
from matplotlib.axes import Axes

from plots import figures, style, svg, testing
from plots.figure import Figure, Panel
from plots.load import load
from plots.model import Run
from results.testing import synthetic_run

NUMBERS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
#: Those that a run on this machine alone fills; test_instructions.py has the guest's, and
#: test_raw.py those over time, test_crews.py those of threads and of bystanders,
#: test_history.py and test_flames.py their own.
OF_HOST = tuple(number for number in NUMBERS if number not in (7, 11, 17, 18, 19, 21))

#: What a figure draws from; without these records or metrics it has nothing to show.
_SOURCES: dict[int, Callable[[testing.Record], object]] = {
    2: lambda r: r.get("metric") == "requests_per_s",
    3: lambda r: r["record"] == "metric",
    4: lambda r: r.get("metric") in ("p50_ns", "p99_ns", "p999_ns"),
    5: lambda r: r["record"] == "hist",
    6: lambda r: r["record"] == "hist",
    7: lambda r: r["record"] == "hist",
    8: lambda r: r.get("workload") in ("idle_scan", "active_ratio"),
    9: lambda r: r.get("metric") in ("cpu_user_ns_per_event", "cpu_sys_ns_per_event"),
    10: lambda r: r["record"] == "count",
    11: lambda r: r.get("metric") == "instr_per_event",
    12: lambda r: r.get("workload") == "ctl_churn",
    13: lambda r: r["record"] == "slice" or r.get("metric") == "events_per_wait",
    14: lambda r: r.get("metric") == "bytes_per_fd",
    15: lambda r: r["record"] == "slice",
    16: lambda r: r["record"] == "slice",
    17: lambda r: False,
    18: lambda r: False,
    19: lambda r: r.get("metric") == "wakeups_per_event",
    20: lambda r: r.get("workload") == "kevent_2006",
    21: lambda r: r.get("metric") == "unused_instr_per_event",
}


def _panels(figure: Figure) -> list[Panel]:
    return [panel for section in figure.sections for panel in section.panels]


def _axes(panel: Panel) -> Axes:
    with matplotlib.rc_context(style.RC):
        return svg.canvas(panel).axes[0]


def _drawn_from(directory: Path) -> dict[int, Figure]:
    return {figure.number: figure for figure in figures.build(load(directory))}


def test_the_report_has_the_figures_it_promises_in_order(drawn: dict[int, Figure]) -> None:
    assert tuple(drawn) == NUMBERS


@pytest.mark.parametrize("number", OF_HOST)
def test_a_figure_with_data_has_panels_caption_and_numbers(
    drawn: dict[int, Figure], number: int
) -> None:
    figure = drawn[number]
    assert figure.drawn and not figure.reason
    assert "interval" in figure.caption
    assert "n = " in figure.caption or "n: " in figure.caption
    assert figure.tables and all(table.rows for table in figure.tables)
    for panel in _panels(figure):
        assert panel.title and len(panel.description) > 20


@pytest.mark.parametrize("number", NUMBERS)
def test_a_figure_without_its_data_says_why(tmp_path: Path, number: int) -> None:
    made = synthetic_run(tmp_path / "run")
    testing.rewrite(made, lambda records: [r for r in records if not _SOURCES[number](r)])
    figure = _drawn_from(made)[number]
    assert not figure.drawn and not figure.tables
    assert figure.reason.startswith("not measured: ") and len(figure.reason) > 25


def test_a_run_without_measurements_gives_a_reason_for_every_figure(bare_dir: Path) -> None:
    found = _drawn_from(bare_dir)
    assert tuple(found) == NUMBERS
    assert all(figure.reason and not figure.drawn for figure in found.values())


def test_a_missing_workload_gives_the_stored_reason_of_its_skip(tmp_path: Path) -> None:
    def change(records: list[testing.Record]) -> list[testing.Record]:
        kept = [r for r in records if r.get("workload") not in ("tcp_rr", "http_one_byte")]
        skip = {
            **next(r for r in records if r["record"] == "skip"),
            "workload": "tcp_rr",
            "params": {},
            "mechanism": None,
            "variant": None,
            "reason": "port 4711 is in use",
        }
        return [*kept[:-1], skip, kept[-1]]

    made = testing.rewrite(synthetic_run(tmp_path / "run"), change)
    assert _drawn_from(made)[2].reason == "not measured: port 4711 is in use"


def test_no_figure_draws_the_null_adapter(run: Run, drawn: dict[int, Figure]) -> None:
    assert run.floor and all(row.side.mechanism == "null" for row in run.floor)
    for figure in drawn.values():
        for panel in _panels(figure):
            assert "null" not in panel.description and "checks" not in panel.title
        cells = [cell for table in figure.tables for row in table.rows for cell in row]
        assert "null" not in cells


def test_a_logarithmic_axis_says_so_and_a_linear_one_does_not(drawn: dict[int, Figure]) -> None:
    seen = 0
    for figure in drawn.values():
        for panel in _panels(figure):
            ax = _axes(panel)
            for scale, label in (
                (ax.get_xscale(), ax.get_xlabel()),
                (ax.get_yscale(), ax.get_ylabel()),
            ):
                assert (scale == "log") == ("(log scale)" in label), (panel.key, label)
                seen += scale == "log"
    assert seen > 40


@pytest.mark.parametrize("number", (2, 5, 6, 8))
def test_lines_are_drawn_on_two_logarithmic_axes(drawn: dict[int, Figure], number: int) -> None:
    for panel in _panels(drawn[number]):
        ax = _axes(panel)
        if not panel.key.endswith("-single"):
            assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log"), panel.key


@pytest.mark.parametrize("number", (9, 10, 14))
def test_bars_start_at_zero_and_number_nothing_negative(
    drawn: dict[int, Figure], number: int
) -> None:
    bars = [panel for panel in _panels(drawn[number]) if not panel.key.endswith("-key")]
    assert bars
    for panel in bars:
        ax = _axes(panel)
        assert ax.get_xlim()[0] == 0
        assert all(patch.get_x() >= 0 for patch in ax.patches if hasattr(patch, "get_width"))


def _lines(axes: Axes) -> Iterator[tuple[str, str]]:
    for line in axes.get_lines():
        if line.get_marker() not in (None, "None", "", "|"):
            yield line.get_markeredgecolor(), line.get_marker()


def test_a_mechanism_has_one_colour_and_marker_in_every_figure(drawn: dict[int, Figure]) -> None:
    known = {(look.colour, look.marker) for look in style.MECHANISMS.values()}
    for number in (2, 3, 5, 6, 8, 12):
        found = {pair for panel in _panels(drawn[number]) for pair in _lines(_axes(panel))}
        assert len(found) >= 4 - (number == 3), number
        assert found <= known, number


def test_poll_and_select_rise_with_the_number_registered_and_epoll_does_not(
    drawn: dict[int, Figure]
) -> None:
    panel = next(p for p in _panels(drawn[8]) if p.key.endswith("idle_scan-0-overview"))
    lines = {}
    for line in _axes(panel).get_lines():
        if line.get_marker() in ("o", "v", "^", "s"):
            xs, ys = list(line.get_xdata()), list(line.get_ydata())
            at = {x: y for x, y in zip(xs, ys, strict=True)}
            lines[line.get_marker()] = at
    assert lines["v"][10000] / lines["v"][1000] == pytest.approx(10, rel=0.1)
    assert 10000 not in lines["^"] and lines["^"][1000] / lines["^"][100] > 5
    assert lines["o"][10000] / lines["o"][1] == pytest.approx(1, rel=0.1)
    assert lines["s"][10000] / lines["s"][1] == pytest.approx(1, rel=0.1)


def test_figure_8_states_slopes_with_their_intervals(run: Run, drawn: dict[int, Figure]) -> None:
    slope = next(
        row
        for row in run.rows
        if row.metric == "cpu_ns_per_registered" and row.side.label == "poll"
    )
    assert slope.value is not None and slope.lo is not None and slope.hi is not None
    said = f"poll {slope.value:.1f} ns ({slope.lo:.1f} to {slope.hi:.1f})"
    assert any(said in note for section in drawn[8].sections for note in section.notes)
    table = next(t for t in drawn[8].tables if "further registered" in t.title)
    assert any(row[0] == "poll" and row[1].startswith(f"{slope.value:.2f}") for row in table.rows)


def test_an_emulated_guest_gives_no_slope_in_time(tmp_path: Path) -> None:
    made = testing.rewrite(synthetic_run(tmp_path / "run"), testing.add_guest)
    sections = {section.heading: section for section in _drawn_from(made)[8].sections}
    guest = next(part for name, part in sections.items() if "emulated" in name)
    host = next(part for name, part in sections.items() if "host" in name)
    assert any("Slope" in note for note in host.notes)
    assert not any("Slope" in note for note in guest.notes)
    assert any("instructions per event" in note for note in guest.notes)


def test_a_nearly_flat_line_is_not_stretched_to_look_steep(drawn: dict[int, Figure]) -> None:
    for panel in _panels(drawn[8]):
        if not panel.key.endswith("-single"):
            low, high = _axes(panel).get_ylim()
            assert high / low >= 10


def test_throughput_is_drawn_against_connections_and_against_offered_rate(tmp_path: Path) -> None:
    rates = ("500", "1000", "4000")
    made = synthetic_run(tmp_path / "run")
    testing.rewrite(made, lambda records: testing.with_rates(records, rates))
    figure = _drawn_from(made)[2]
    overview = {
        panel.key.removesuffix("-0-overview").split("-", 2)[2]: _axes(panel)
        for panel in _panels(figure)
        if panel.key.endswith("overview")
    }
    labels = {key: ax.get_xlabel() for key, ax in overview.items()}
    assert labels == {
        "tcp_rr-connections": "connections (log scale)",
        "http_one_byte-rate": "offered rate, requests/s (log scale)",
    }
    line = overview["http_one_byte-rate"].get_lines()[0]
    assert list(line.get_xdata()) == [500, 1000, 4000] == list(line.get_ydata())
    line = overview["tcp_rr-connections"].get_lines()[0]
    assert list(line.get_xdata()) == [1, 10, 100]
    assert all(math.isfinite(y) and y > 0 for y in line.get_ydata())


def test_one_offered_rate_gives_rows_of_points(drawn: dict[int, Figure]) -> None:
    panel = next(p for p in _panels(drawn[2]) if p.key.endswith("-single"))
    assert panel.title == "http_one_byte at rate 1,000"
    assert "epoll lt" in panel.description and "requests/s" in panel.description


def test_memory_is_drawn_at_the_largest_number_registered(drawn: dict[int, Figure]) -> None:
    titles = [panel.title for panel in _panels(drawn[14]) if "idle_scan" in panel.title]
    assert len(titles) == 1 and "registered 10,000" in titles[0]


def test_parts_of_cpu_time_add_up_to_the_bar(run: Run, drawn: dict[int, Figure]) -> None:
    wanted = {
        (row.side.label, row.metric): row.value
        for row in run.rows
        if row.cell.workload == "source_pingpong" and row.cell.value("source") == "tcp"
    }
    table = drawn[9].tables[0]
    user, system = table.columns.index("user, ns"), table.columns.index("system, ns")
    row = next(r for r in table.rows if r[0] == "source_pingpong, source tcp" and r[1] == "poll")
    assert float(row[user].replace(",", "")) == pytest.approx(
        wanted[("poll", "cpu_user_ns_per_event")], rel=1e-3
    )
    assert float(row[system].replace(",", "")) == pytest.approx(
        wanted[("poll", "cpu_sys_ns_per_event")], rel=1e-3
    )


def test_every_variant_of_the_full_profile_can_be_drawn(tmp_path: Path) -> None:
    found = _drawn_from(testing.full_run(tmp_path / "run"))
    assert all(found[number].drawn for number in OF_HOST)
    for panel in _panels(found[8]):
        lines = [line for line in _axes(panel).get_lines() if line.get_marker() in "ov^sDX"]
        assert panel.key.endswith("-single") or len(lines) <= 5
