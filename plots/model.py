# SPDX-License-Identifier: MIT
"""What the figures draw from: a run as plain, immutable values, free of file formats.

Numbers are None where the run has none; figures say why instead of drawing nothing or zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plots import style
from results.bars import Judged
from results.timeline import Chronicle

#: parameter name and value, sorted by name
Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, order=True)
class Place:
    """Where a number was measured. Numbers of two places are never drawn in one panel."""

    where: str
    kernel: str
    accel: str

    @property
    def emulated(self) -> bool:
        """True where times are an emulator's and only counts compare mechanisms."""
        return self.accel == "tcg"

    @property
    def label(self) -> str:
        """Text for headings."""
        if self.where == "host":
            return f"host, kernel {self.kernel}"
        how = {"tcg": "emulated (TCG)", "kvm": "KVM"}.get(self.accel, self.accel)
        return f"{self.where}, kernel {self.kernel}, {how}"


@dataclass(frozen=True)
class Side:
    """One mechanism variant as entered in a run; `entry` tells a second entry (A/A) apart."""

    mechanism: str
    variant: str
    entry: str = ""

    @property
    def label(self) -> str:
        """Text for labels, e.g. "epoll lt" or just "poll" where the variant repeats the name."""
        name = self.mechanism
        if self.variant and self.variant != self.mechanism:
            name = f"{self.mechanism} {self.variant}"
        return f"{name} ({self.entry})" if self.entry else name

    @property
    def short(self) -> str:
        """Label inside a panel that names the mechanism already."""
        name = self.variant or self.mechanism
        return f"{name} ({self.entry})" if self.entry else name

    @property
    def look(self) -> style.Look:
        """Colour, marker, dash, fill and weight."""
        return style.look(self.mechanism, self.variant)

    @property
    def sort_key(self) -> tuple[tuple[int, str, int, str], str]:
        """Order in every list."""
        return style.sort_key(self.mechanism, self.variant), self.entry

    @property
    def is_reference(self) -> bool:
        """True for epoll level-triggered, the line every panel repeats."""
        return self.mechanism == "epoll" and self.variant == "lt" and not self.entry


@dataclass(frozen=True)
class Cell:
    """A workload with its parameters."""

    workload: str
    params: Params

    def value(self, name: str) -> str | None:
        """A parameter's text, or None."""
        return dict(self.params).get(name)

    def number(self, name: str) -> float | None:
        """A parameter as a number, or None where it is absent or a word."""
        text = self.value(name)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError:
            return None


@dataclass(frozen=True)
class Row:
    """One stored metric of one side in one cell, with its interval and ratios."""

    place: Place
    cell: Cell
    side: Side
    metric: str
    unit: str
    value: float | None = None
    lo: float | None = None
    hi: float | None = None
    ratio: float | None = None
    ratio_lo: float | None = None
    ratio_hi: float | None = None
    ratio_best: float | None = None
    reference: str = ""
    resolution_percent: float | None = None
    band_percent: float | None = None
    state: str = ""
    interval: str = ""
    no_interval: str = ""
    n: int | None = None
    blocks: int | None = None
    headline: bool = True
    status: str = "ok"
    reason: str = ""

    @property
    def is_reference(self) -> bool:
        """True where the ratio is 1 by definition."""
        return (
            not self.side.entry and self.reference == f"{self.side.mechanism}+{self.side.variant}"
        )

    @property
    def measured(self) -> bool:
        """True where there is a value to draw."""
        return self.status == "ok" and self.value is not None


@dataclass(frozen=True)
class Histogram:
    """Latencies of one side in one cell: upper bucket bounds in ns with counts, ascending."""

    place: Place
    cell: Cell
    side: Side
    kind: str  # "latency", "uncorrected" or "lateness"
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: int
    lowest: float
    highest: float


@dataclass(frozen=True)
class Calls:
    """System calls an operation makes, by name."""

    place: Place
    cell: Cell
    side: Side
    per_operation: tuple[tuple[str, float], ...]
    tool: str = ""


@dataclass(frozen=True)
class Batches:
    """Shares of waits by events delivered: index 0 none, i = 2^(i-1) .. 2^i - 1 events.

    `waits` is how many were counted, None where the run stored shares only.
    """

    place: Place
    cell: Cell
    side: Side
    shares: tuple[float, ...]
    waits: int | None = None


@dataclass(frozen=True)
class Skip:
    """Something not measured and why; no side or cell means all of them."""

    place: Place
    side: Side | None
    cell: Cell | None
    kind: str
    reason: str


@dataclass(frozen=True)
class Check:
    """One self-check of the run; place, cell and side are None where it is about the whole run."""

    name: str
    state: str
    detail: str
    place: Place | None = None
    cell: Cell | None = None
    side: Side | None = None
    metric: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Verdict:
    """One judged comparison; percentages of cost, plus is dearer.

    `intervals` are (level in percent, low, high); `resampled` the quantiles of the bootstrap in even
    steps from its smallest to its largest, empty where the run did not store them.
    """

    place: Place
    cell: Cell
    side: Side
    reference: Side
    metric: str
    estimate: float | None
    intervals: tuple[tuple[int, float, float], ...]
    band: float | None
    resolution: float | None
    state: str
    pairs: int
    blocks: int
    resampled: tuple[float, ...] = ()


@dataclass(frozen=True)
class Trace:
    """The measured slices of one side in one cell and phase, in order of time.

    Times are seconds since the first slice of the run, costs ns an operation; NaN is not known.
    """

    place: Place
    cell: Cell
    side: Side
    phase: str
    start_s: Sequence[float]
    wall_ns: Sequence[float]
    cpu_ns: Sequence[float]
    took_s: Sequence[float]
    steal_s: Sequence[float]
    pair: Sequence[int]
    block: Sequence[int]


@dataclass(frozen=True)
class Heat:
    """Latencies of one side in one cell over time: (second, ns, count) of every stored bucket."""

    place: Place
    cell: Cell
    side: Side
    points: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Profile:
    """Sampled stacks of one side in one cell, from the root; none, and why, where there are none."""

    place: Place
    cell: Cell
    side: Side
    event: str
    call_graph: str
    stacks: tuple[tuple[tuple[str, ...], int], ...]
    samples: int
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """Everything a report shows.

    `floor` are the rows of the null adapter. They say what measuring itself costs, not what a
    mechanism costs, so that no figure has them among its rows.
    """

    run_id: str
    started_at: str
    profile: str
    purpose: str
    status: str
    rows: tuple[Row, ...]
    floor: tuple[Row, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    calls: tuple[Calls, ...] = ()
    batches: tuple[Batches, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    traces: tuple[Trace, ...] = ()
    heats: tuple[Heat, ...] = ()
    profiles: tuple[Profile, ...] = ()
    skips: tuple[Skip, ...] = ()
    checks: tuple[Check, ...] = ()
    #: Figures of kevent against the bars they are held to, with where they were counted.
    bars: tuple[tuple[Place, Judged], ...] = ()
    errors: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    environments: tuple[tuple[str, Mapping[str, object]], ...] = ()
    unknown_facts: tuple[tuple[str, str], ...] = ()
    machine: str = ""
    floor_instructions: float | None = None
    floor_percent: float | None = None
    floor_reason: str = ""
    load_after: str = ""
    history: Chronicle | None = None
    data_files: tuple[tuple[str, str], ...] = ()
    #: Workloads that the report is confined to; empty = all of the run.
    confined: tuple[str, ...] = ()

    @property
    def workloads(self) -> tuple[str, ...]:
        """Every workload that was measured or skipped, by name."""
        of = [item.cell.workload for item in (*self.rows, *self.floor)]
        return tuple(sorted({*of, *(skip.cell.workload for skip in self.skips if skip.cell)}))

    def of(self, workloads: Sequence[str]) -> "Run":
        """The same run without what belongs to other workloads."""
        wanted = frozenset(workloads)
        return replace(
            self,
            rows=tuple(one for one in self.rows if one.cell.workload in wanted),
            floor=tuple(one for one in self.floor if one.cell.workload in wanted),
            histograms=tuple(one for one in self.histograms if one.cell.workload in wanted),
            calls=tuple(one for one in self.calls if one.cell.workload in wanted),
            batches=tuple(one for one in self.batches if one.cell.workload in wanted),
            verdicts=tuple(one for one in self.verdicts if one.cell.workload in wanted),
            traces=tuple(one for one in self.traces if one.cell.workload in wanted),
            heats=tuple(one for one in self.heats if one.cell.workload in wanted),
            profiles=tuple(one for one in self.profiles if one.cell.workload in wanted),
            skips=tuple(s for s in self.skips if s.cell is None or s.cell.workload in wanted),
            checks=tuple(c for c in self.checks if c.cell is None or c.cell.workload in wanted),
            bars=tuple(one for one in self.bars if one[1].workload in wanted),
            confined=tuple(sorted(wanted)),
        )

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place with a row, host first."""
        found = {row.place for row in (*self.rows, *self.floor)}
        return tuple(sorted(found, key=lambda p: (p.where != "host", p)))
