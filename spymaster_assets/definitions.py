"""The code location: everything that Dagster shows and runs."""

import dagster as dg

from spymaster_assets.assets.calibration import calibration_asset
from spymaster_assets.assets.future_mbo import future_assets
from spymaster_assets.assets.raw import raw_assets, raw_products
from spymaster_assets.download_job import download_job, download_schedule
from spymaster_assets.jobs import calibration_job, session_job
from spymaster_assets.resources import Surroundings
from spymaster_assets.sensors import raw_file_sensor
from spymaster_resources.settings import Settings


def definitions(settings: Settings) -> dg.Definitions:
    """Return the asset graph of the roots that `settings` cover."""
    rows = [settings.instrument(root, "future_mbo") for root in settings.roots]
    return dg.Definitions(
        assets=[
            *raw_assets(settings),
            *(
                asset
                for row in rows
                for asset in (*future_assets(settings, row), calibration_asset(row))
            ),
        ],
        jobs=[
            *(job for row in rows for job in (session_job(row), calibration_job(row))),
            download_job,
        ],
        schedules=[download_schedule(settings)],
        sensors=[raw_file_sensor(settings, product) for product in raw_products(settings)],
        resources={"surroundings": Surroundings.from_settings(settings)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions that the environment configures."""
    return definitions(Settings.from_environment())
