"""Launch a backfill as the UI does, in this process; print what the instance answered.

Usage: python -m tests.spymaster_assets.launch_backfill PARTITION… (run under several hash seeds).
"""

from __future__ import annotations

import json
import sys
from tempfile import TemporaryDirectory

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.test.utils import execute_dagster_graphql

from spymaster_assets.assets.keys import session_keys
from spymaster_assets.products import PIPELINES

LAUNCH = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""


def main(partitions: list[str]) -> None:
    origin = InProcessCodeLocationOrigin(
        LoadableTargetOrigin(
            executable_path=sys.executable, module_name="spymaster_assets.definitions"
        ),
        location_name="spymaster",
    )
    params = {
        "partitionNames": partitions,
        "assetSelection": [
            {"path": key.path} for key in session_keys(PIPELINES["future_mbo"], "ES")
        ],
    }
    with (
        TemporaryDirectory() as folder,
        dg.DagsterInstance.local_temp(folder) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget([origin])) as workspace,
    ):
        context = workspace.create_request_context()
        result = execute_dagster_graphql(context, LAUNCH, variables={"params": params})
        print(json.dumps(result.data["launchPartitionBackfill"]))


if __name__ == "__main__":
    main(sys.argv[1:])
