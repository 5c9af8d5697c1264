# SPDX-License-Identifier: MIT
"""Flame graphs: layout, differences, names that are hostile, files that are not as recorded."""

import hashlib
import re
from pathlib import Path

import matplotlib
import pytest

from plots import flame, html, pdf, style, testing
from plots.figures import flames
from plots.load import load
from plots.model import Run
from results import folded
from results.folded import KERNEL
from results.testing import synthetic_run

_EPOLL: folded.Stacks = {
    ("worker", "main", "kb::run_slice", "hot<a>", "wait", f"sys{KERNEL}", f"epoll{KERNEL}"): 60,
    ("worker", "main", "kb::run_slice", "hot<a>", "read", f"sys{KERNEL}"): 40,
}
_POLL: folded.Stacks = {
    ("worker", "main", "kb::run_slice", "hot<b>", "wait", f"sys{KERNEL}", f"poll{KERNEL}"): 360,
    ("worker", "main", "kb::run_slice", "hot<b>", "read", f"sys{KERNEL}"): 40,
}


def _recorded(directory: Path, stacks: dict[str, folded.Stacks], **changes: object) -> Path:
    made = synthetic_run(directory)
    (made / "raw" / "flame").mkdir(parents=True)

    def change(records: list[testing.Record]) -> list[testing.Record]:
        result: list[testing.Record] = []
        seen: set[str] = set()
        for record in records:
            result.append(record)
            side = record.get("side")
            if record["record"] != "case" or side not in stacks or side in seen:
                continue
            seen.add(side)
            text = folded.dump(stacks[side])
            name = f"raw/flame/{len(seen)}.folded"
            (made / name).write_text(text)
            profile = {
                n: record[n] for n in ("schema", "schema_version", "run_id", "case_key", "side")
            }
            about = {
                "tool": "perf",
                "event": "cpu-clock",
                "call_graph": "dwarf",
                "frequency_hz": 499,
            }
            held = {"folded": name, "sha256": hashlib.sha256(text.encode()).hexdigest()}
            samples = {"samples": sum(stacks[side].values()), "reason": None}
            result.append({**profile, "record": "profile", **about, **held, **samples, **changes})
        return result

    return testing.rewrite(made, change)


def _run(tmp_path: Path) -> Run:
    return load(_recorded(tmp_path / "run", {"epoll+lt": _EPOLL, "poll+poll": _POLL}))


def test_widths_are_shares_and_stacks_begin_at_the_measured_loop() -> None:
    weights = {stack: float(count) for stack, count in _EPOLL.items()}
    drawn = flame.boxes(flame.tree(weights), flame.by_kind)
    widths = {(box.row, box.name): box.right - box.left for box in drawn}
    assert widths[(0, "hot")] == pytest.approx(1.0)
    assert widths[(1, "wait")] == pytest.approx(0.6) and widths[(1, "read")] == pytest.approx(0.4)
    assert not any(box.name == "main" for box in drawn)
    kernel = {box.colour for box in drawn if box.name.endswith(KERNEL)}
    user = {box.colour for box in drawn if not box.name.endswith(KERNEL)}
    assert kernel <= set(style.FLAME_KERNEL) and user <= set(style.FLAME_USER)


def test_children_stay_inside_their_parent_and_siblings_apart() -> None:
    weights = {stack: float(count) for stack, count in {**_EPOLL, **_POLL}.items()}
    drawn = flame.boxes(flame.tree(weights), flame.by_kind)
    for row in {box.row for box in drawn}:
        own = sorted((b for b in drawn if b.row == row), key=lambda b: b.left)
        assert all(a.right <= b.left + 1e-9 for a, b in zip(own, own[1:]))
        for box in own if row else ():
            below = [b for b in drawn if b.row == row - 1]
            assert any(b.left - 1e-9 <= box.left and box.right <= b.right + 1e-9 for b in below)


def test_a_difference_is_by_cost_and_by_what_is_done() -> None:
    own = {stack: 10.0 * count for stack, count in _POLL.items()}
    other = {stack: 10.0 * count for stack, count in _EPOLL.items()}
    root = flame.tree(own, other)
    drawn = {box.name: box.colour for box in flame.boxes(root, flame.by_change(root.other))}
    assert drawn["wait"] == style.FLAME_MORE[0]
    assert drawn["read"] == style.FLAME_SAME
    halved = {stack: weight / 2 for stack, weight in other.items()}
    root = flame.tree(halved, other)
    assert {b.colour for b in flame.boxes(root, flame.by_change(root.other))} <= {*style.FLAME_LESS}


@pytest.mark.parametrize(
    ("name", "short"),
    (
        ("kb::workload::hot_rounds<kb::a<(kb::c)0>, kb::b, true>", "hot_rounds"),
        ("kb::(anonymous namespace)::dispatch", "dispatch"),
        ("kb::session::slice[abi:cxx11] (inlined)", "slice"),
        ("do_epoll_wait_[k]", "do_epoll_wait"),
        ("<<<", "<<<"),
        (">>> a", ">>> a"),
    ),
)
def test_names_are_shortened_without_losing_them(name: str, short: str) -> None:
    assert flame.plain(name) == short


def test_the_figure_has_a_graph_a_side_and_a_difference(tmp_path: Path) -> None:
    figure = flames.build(_run(tmp_path))
    titles = [panel.title for panel in figure.sections[0].panels]
    assert len(titles) == 3 and any("against epoll lt" in title for title in titles)
    assert "cpu-clock" in figure.caption and "dwarf" in figure.caption
    assert any(row[-2] == "poll (kernel)" and row[-1] == "90 %" for row in figure.tables[0].rows)


def test_hostile_names_are_text_in_both_documents(tmp_path: Path) -> None:
    tag = "<script>alert(1)</script>"
    hostile: folded.Stacks = {
        ("w", tag, "]]>&amp;\"'", f"a{'<' * 300}"): 50,
        ("w", tag, "$\\frac{x}$", "</svg></title><img src=x>"): 30,
        ("w", "run_slice"): 20,
    }
    run = load(_recorded(tmp_path / "run", {"epoll+lt": hostile}))
    figure = flames.build(run)
    page = html.render(run, [figure])
    assert "<script" not in page and "<img" not in page
    assert len(re.findall("<svg", page)) == len(re.findall("</svg>", page))
    assert pdf.render(run, [figure]).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("changes", "said"),
    (
        ({"folded": "../../etc/passwd"}, "outside raw/flame"),
        ({"folded": "raw/flame/../../results.jsonl"}, "outside raw/flame"),
        ({"folded": "/etc/passwd"}, "outside raw/flame"),
        ({"folded": "raw/flame/999.folded"}, "cannot read"),
        ({"sha256": "0" * 64}, "altered"),
        ({"folded": None, "reason": "perf record: permission denied"}, "permission denied"),
    ),
)
def test_stacks_that_cannot_be_trusted_cost_their_graph_and_say_why(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    figure = flames.build(load(_recorded(tmp_path / "run", {"epoll+lt": _EPOLL}, **changes)))
    assert not figure.drawn and said in figure.reason


def test_narrow_screens_scroll_instead_of_shrinking_the_names(tmp_path: Path) -> None:
    run = _run(tmp_path)
    page = html.render(run, [flames.build(run)])
    assert f"min-width:{flame.WIDTH * 106:.0f}px" in page


def test_deep_and_many_stacks_are_bounded() -> None:
    deep: dict[tuple[str, ...], float] = {("w", *(f"f{n}" for n in range(900))): 1.0}
    wide: dict[tuple[str, ...], float] = {("w", f"g{n}"): 1.0 for n in range(20_000)}
    assert max(box.row for box in flame.boxes(flame.tree(deep), flame.by_kind)) < flame.MOST_ROWS
    assert len(flame.boxes(flame.tree(wide), flame.by_kind)) <= 1 / flame.LEAST
    with matplotlib.rc_context(style.RC):
        assert flame.panel("k", "t", "d", []).height > 0
