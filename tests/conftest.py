"""Shared by all tests: no network but 127.0.0.1, and where real data is."""

import os
from pathlib import Path

import pytest
from pytest_socket import socket_allow_hosts

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_network() -> None:
    """Everything must work offline; local servers that a test starts are the exception."""
    # no names in the list: they would be looked up here, which is network too
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def datasets_folder() -> Path:
    """Further real data sets for development; tests that need one are skipped where the folder is absent."""
    folder = Path(os.environ.get("CHATREC_DATASETS", ROOT.parent / "shared" / "datasets"))
    if not folder.is_dir():
        pytest.skip(f"no data sets in {folder}; set CHATREC_DATASETS to the folder that holds them")
    return folder
