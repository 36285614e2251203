"""How often the assistant met the hidden policy of the users in a game, over the epochs."""

from collections.abc import Iterator, Sequence

from scai_cli.analysis.recovery_curves import FOUND, CurvePoint, RecoveryCurve
from scai_cli.display.numbers import number
from scai_cli.display.recovery import PLUMBING, ends_words, found_words, recovery_words, unseen_words
from scai_cli.display.report.charts import undrawn
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Html, marked, note, tag, together
from scai_cli.display.report.panels import SIZE, Beside, Panel, draw_panel
from scai_cli.display.report.tables import folded, table
from scai_cli.simulation.dialogues.ultimatum import TOLERANCE
from scai_cli.text.counts import counted

MOST_CURVES = 24
"""The maximal number of drawn curves; the table has all."""
MOST_EPOCHS = 12
"""The maximal number of epochs in the table; of more, it has the first and the last."""
_ALONE = (440, 170)
"""The size of a curve that has no other one beside it."""
_TEXTS = TEXTS["recovery"]

NamedCurve = tuple[str, RecoveryCurve]
"""A curve with its title."""


def recovery(run: Figures) -> Iterator[Html]:
    """Yield the recovery of a run in words, its curve and those of each kind of users; nothing without a game."""
    if run.curves:
        yield norm_answer(run)
        yield from _plumbing(run.curves)
        yield from curve_figure([("All users" if n == 0 else curve.group, curve) for n, curve in enumerate(run.curves)])


def norm_answer(run: Figures) -> Html:
    """Return the recovery of all users of a game in words."""
    words = recovery_words(run.curves[0], run.history.product[0].version)
    return tag("p", marked(" ".join(words)))


def recoveries(curves: Sequence[NamedCurve]) -> Html:
    """Return the curves of several runs, or settings, side by side."""
    return together(tag("p", _TEXTS["compare"]), _plumbing([curve for _, curve in curves]), curve_figure(curves))


def curve_figure(curves: Sequence[NamedCurve]) -> Iterator[Html]:
    """Yield the curves on one scale, and their numbers as a table."""
    kinds = {curve.runs > 1 for _, curve in curves}
    whom = _TEXTS["both" if len(kinds) > 1 else "seeds" if kinds == {True} else "users"]
    if not undrawn():
        size = _ALONE if len(curves) == 1 else SIZE
        more = len(curves) - MOST_CURVES
        left_out = f" {more} more are in the table." if more > 0 else None
        yield note(_TEXTS["panels"].format(whom=whom, tolerance=TOLERANCE), left_out)
        panels = (_panel(title, curve, size) for title, curve in curves[:MOST_CURVES])
        yield tag("div", panels, class_="panels" if size == SIZE else "plane")
    yield folded(_table(curves), note(_TEXTS["table"].format(whom=whom, found=FOUND)), opened=bool(undrawn()))


def _plumbing(curves: Sequence[RecoveryCurve]) -> Iterator[Html]:
    if any(curve.is_plumbing for curve in curves):
        yield tag("p", marked(PLUMBING), class_="caution")


def _panel(title: str, curve: RecoveryCurve, size: tuple[int, int]) -> Html:
    points = dict(curve.epochs)
    names = {number: f"epoch {number}" for number in points}
    last = max(points, default=0) + 1
    if curve.product is not None:
        points[last], names[last] = curve.product, "with the product"
    beside = [
        Beside(at, point.share, _band(point), f"not played before, {name}: {ends_words(point)}")
        for at, point, name in (
            (min(points, default=1), curve.unseen_start, "at the start"),
            (max(points, default=1), curve.unseen, "with the product"),
        )
        if point is not None
    ]
    numbers = f"{ends_words(curve.product)}, not played before: {unseen_words(curve.unseen)}"
    panel = Panel(
        label=f"{title}: recovery of the policy of {curve.group}; with the product {numbers}",
        scale=(0.0, 1.0),
        epochs=list(points),
        values=[point.share for point in points.values()],
        says=[f"{names[at]}: {ends_words(point)}" for at, point in points.items()],
        band=[_band(point) for point in points.values()],
        joined=curve.has_risen,
        final=curve.product is not None,
        beside=beside,
        size=size,
    )
    over = f", {counted(curve.runs, 'run')}" if curve.runs > 1 else ""
    whose = numbers if title == curve.group else f"{curve.group}{over}: {numbers}"
    return tag("figure", tag("figcaption", tag("b", title), tag("small", whose)), draw_panel(panel))


def _band(point: CurvePoint) -> tuple[float, float] | None:
    return None if point.low is None or point.high is None else (point.low, point.high)


def _table(curves: Sequence[NamedCurve]) -> Html:
    epochs = sorted({epoch for _, curve in curves for epoch in curve.epochs})
    epochs = epochs if len(epochs) <= MOST_EPOCHS else [epochs[0], epochs[-1]]
    several = any(curve.runs > 1 for _, curve in curves)
    heads = (
        "",
        "users",
        *(["runs"] if several else []),
        "with the product",
        "not played before",
        "at the start",
        "found in",
        *(f"epoch {epoch}" for epoch in epochs),
    )
    rows = []
    for title, curve in curves:
        unseen = map(unseen_words, (curve.unseen, curve.unseen_start))
        shares = [number(point.share) if (point := curve.epochs.get(epoch)) else "–" for epoch in epochs]
        over = [str(curve.runs)] if several else []
        rows.append((title, [curve.group, *over, ends_words(curve.product), *unseen, found_words(curve), *shares]))
    return table(heads, rows, label="Recovery of the hidden policy")
