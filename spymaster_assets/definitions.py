"""The code location: everything that Dagster shows and runs."""

import dagster as dg

from spymaster_assets.assets.calibration import calibration_assets
from spymaster_assets.assets.product import covered_rows, options_on, product_assets
from spymaster_assets.assets.raw import raw_assets
from spymaster_assets.download_job import download_job, download_schedule
from spymaster_assets.jobs import calibration_job, session_job
from spymaster_assets.resources import Surroundings
from spymaster_assets.sensors import raw_file_sensor
from spymaster_resources.settings import Settings


def definitions(settings: Settings) -> dg.Definitions:
    """Return the asset graph of the roots and tickers that `settings` cover."""
    underlyings = covered_rows(settings)
    options = {row.root: options_on(settings, row) for row in underlyings}
    return dg.Definitions(
        assets=[
            *raw_assets(settings),
            *(
                asset
                for row in underlyings
                for each in (row, *options[row.root])
                for asset in product_assets(settings, each)
            ),
            *(asset for row in underlyings for asset in calibration_assets(row)),
        ],
        jobs=[
            *(session_job(row, options[row.root]) for row in underlyings),
            *(calibration_job(row) for row in underlyings),
            download_job,
        ],
        schedules=[download_schedule(settings)],
        sensors=[raw_file_sensor(settings, row) for row in underlyings],
        resources={"surroundings": Surroundings.from_settings(settings)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions that the environment configures."""
    return definitions(Settings.from_environment())
