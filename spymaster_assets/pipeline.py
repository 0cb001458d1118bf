"""A product's pipeline: its stages, the tables each one makes, what of, and the function that does.

Stages are imported when they run, so that the asset graph loads without numba.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from spymaster_assets.stages.context import StageContext
    from spymaster_resources.lake import Manifest

SELECTION: Final = "selection.mbo_contract_day_selection"
CALIBRATION: Final = "calibration.physics_beta_gamma"
EVALUATION: Final = "calibration.physics_beta_gamma_eval"
OF_ROOT: Final = (SELECTION, CALIBRATION, EVALUATION)
"""Tables and documents that serve a root, whatever its products and dates."""


class Layer(StrEnum):
    """The layers that a run can build, in order."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    FORECAST = "forecast"
    ALL = "all"


@dataclass(frozen=True)
class Table:
    """One table that a stage makes."""

    dataset: str
    description: str
    reads: tuple[str, ...] = ()
    """Those of the stage's raw schemas and needs that it is made of; empty for all."""


@dataclass(frozen=True)
class Stage:
    """One step of a product's pipeline: the function that makes some tables of a date."""

    layer: Layer
    module: str
    """Its module below `spymaster_assets.stages`."""
    function: str
    tables: tuple[Table, ...]
    code_version: str
    raw_schemas: tuple[str, ...] = ()
    """The vendor's schemas whose files it reads."""
    needs: tuple[str, ...] = ()
    """The datasets that it reads."""
    uses: tuple[str, ...] = ()
    """Datasets that it reads where they are published."""
    name: str = ""
    """Where a layer has more than one stage."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of its tables."""
        return tuple(table.dataset for table in self.tables)

    @property
    def title(self) -> str:
        """Return what tells the stage from the product's others."""
        return self.name or self.layer.value

    @property
    def is_of_a_symbol(self) -> bool:
        """Return whether it makes one symbol's tables; bronze files a date's symbols at once."""
        return self.layer is not Layer.BRONZE

    def build(self, ctx: StageContext, symbol: str, dt: date) -> Sequence[Manifest]:
        """Make and publish the tables of a date; raises what the stage raises."""
        of = (symbol, dt) if self.is_of_a_symbol else (dt,)
        manifests: Sequence[Manifest] = self._named(self.function)(ctx, *of)
        return manifests

    def is_void(self, ctx: StageContext, symbol: str, dt: date) -> bool:
        """Return whether there is nothing to make: no option on `symbol` expires on `dt`."""
        from spymaster_assets.stages.expiring import none_expires

        return self.is_of_a_symbol and none_expires(ctx, symbol, dt)

    def current(self, ctx: StageContext, symbol: str, dt: date) -> Sequence[Manifest] | None:
        """Return the published tables if making them again would change nothing, else None.

        Raises PartitionMissingError where an input is missing.
        """
        found: Sequence[Manifest] | None
        if self.is_void(ctx, symbol, dt):
            found = []
        elif self.is_of_a_symbol:
            found = self._named("recipe")(ctx, symbol, dt).current(ctx.lake, symbol, dt)
        else:
            found = self._named(self.function.replace("build_", "current_"))(ctx, dt)
        return found

    def _named(self, name: str) -> Callable[..., Any]:
        module = import_module(f"spymaster_assets.stages.{self.module}")
        function: Callable[..., Any] = getattr(module, name)
        return function


@dataclass(frozen=True)
class Pipeline:
    """All stages of one product type, in order."""

    product_type: str
    stages: tuple[Stage, ...]
    is_of_contracts: bool
    """Whether tables are filed under a futures contract, which the contract selection chooses."""
    underlying: str | None = None
    """The product type whose options these are, filed under the same symbols."""

    @property
    def selects(self) -> bool:
        """Return whether the contract selection looks at this product's trades."""
        return self.is_of_contracts and self.underlying is None

    def of_layer(self, layer: Layer) -> tuple[Stage, ...]:
        """Return the stages of one layer, in order; of `all`, all of them."""
        return tuple(s for s in self.stages if layer in (Layer.ALL, s.layer))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Return the layers that the product has, in order."""
        return tuple(dict.fromkeys(stage.layer for stage in self.stages))

    @property
    def forecast(self) -> Stage | None:
        """Return the stage that forecasts the price, None for a product that has none."""
        return next((s for s in self.stages if s.layer is Layer.FORECAST), None)


def in_order(pipelines: Sequence[Pipeline]) -> list[Stage]:
    """Return the stages of a root's products, each after all that it needs or uses."""
    layers = list(Layer)
    stages = (stage for pipeline in pipelines for stage in pipeline.stages)
    return sorted(stages, key=lambda stage: layers.index(stage.layer))


def made_of(
    pipelines: Sequence[Pipeline],
    changed: Collection[str],
    *,
    has_raw: Callable[[str], bool],
    is_published: Callable[[str], bool],
) -> list[str]:
    """Return the bronze datasets `changed` and all that is made of them, in the order of making.

    A stage is left out, with all that rests on it alone, where its raw file is missing or
    something that it needs is neither made with the others nor published.
    """
    made: list[str] = []
    for stage in in_order(pipelines):
        needs = [d for d in stage.needs if d not in OF_ROOT]
        wanted = [d for d in stage.datasets if d in changed]
        if any(dataset in made for dataset in (*needs, *stage.uses)):
            is_fed = not stage.raw_schemas or all(map(has_raw, stage.datasets))
            wanted = list(stage.datasets) if is_fed else wanted
        if all(need in made or is_published(need) for need in needs):
            made += wanted
    return made
