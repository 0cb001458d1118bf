"""What a download shows in the terminal: estimate, job and byte bars, messages."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from spymaster_resources.vendor.estimate import Estimate

_log: Final = logging.getLogger("spymaster_resources.vendor.download")


class _HowMuch(ProgressColumn):
    """Numbers behind a bar: jobs are counted, bytes have a unit and a speed."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text(f"{task.completed:,.0f}")
        total = task.total
        if not task.fields.get("bytes"):
            return Text(f"{task.completed:.0f}/{total:.0f}")
        speed = "" if task.speed is None else f"  {decimal(int(task.speed))}/s"
        return Text(f"{decimal(int(task.completed))} of {decimal(int(total))}{speed}")


class Display:
    """Bars on stderr and messages above them; a context manager.

    Messages go to the log as well, or to the log alone when `quiet`. Without a terminal there are
    messages only.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            _HowMuch(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._jobs = self._bars.add_task("jobs", total=None)
        self._file = self._bars.add_task("", total=None, visible=False, bytes=True)
        self._simulated = self._bars.add_task("", total=None, visible=False)
        self._name = ""
        self._quiet = quiet

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Show and log a message."""
        _log.info("%s", text)
        if not self._quiet:
            self._console.print(text, markup=False)

    def jobs(self, done: int, total: int) -> None:
        """Show how many of the known requests are settled."""
        self._bars.update(self._jobs, completed=done, total=total)

    def bytes(self, name: str, done: int, size: int) -> None:
        """Show how far a file has come."""
        if name != self._name:
            self._name = name
            self._bars.reset(self._file, total=size, description=name, visible=True)
        self._bars.update(self._file, completed=done, visible=done < size)

    def simulated(self, name: str, records: int) -> None:
        """Show how many records the simulated vendor has made of a day's product."""
        label = f"simulating {name}"
        self._bars.update(
            self._simulated, description=label, completed=records, total=None, visible=True
        )

    def estimate(self, rows: Sequence[Estimate]) -> None:
        """Show what the requests cost and how large they are, by product and schema."""
        table = Table("product", "schema", "days", "size (uncompressed)", "cost", box=None)
        for column in table.columns[2:]:
            column.justify = "right"
        groups: dict[tuple[str, str, bool], list[Estimate]] = {}
        for row in rows:
            key = (row.request.product_type, row.request.schema, row.is_bound)
            groups.setdefault(key, []).append(row)
        for (product, schema, is_bound), members in groups.items():
            at_most = "at most " if is_bound else ""
            table.add_row(
                product,
                schema,
                str(len({member.request.dt for member in members})),
                at_most + decimal(sum(member.billable_bytes for member in members)),
                f"{at_most}${sum(member.usd for member in members):.4f}",
            )
        if groups:
            self._console.print(table)
        usd = sum(row.usd for row in rows if not row.is_bound)
        size = sum(row.billable_bytes for row in rows if not row.is_bound)
        later = "; options are priced once they are known" if any(r.is_bound for r in rows) else ""
        self.say(f"to buy now: ${usd:.4f}, {decimal(size)}{later}")
