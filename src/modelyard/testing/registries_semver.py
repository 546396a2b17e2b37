"""The contract of a registry whose versions are SemVer, each at a commit: Git."""

from __future__ import annotations

import pytest

from modelyard.base.errors import AlreadyExists, InvalidName, VersionNotFound
from modelyard.registry import verbs
from modelyard.testing.registries import Bench, RegistryContract, labels


class SemVerRegistryContract(RegistryContract):
    """Registries whose versions are SemVer pass these too."""

    def test_versions_count_in_patches(self, bench: Bench) -> None:
        assert bench.registered("churn", 3) == ["v0.0.1", "v0.0.2", "v0.0.3"]
        assert bench.register("churn", 4, bump="minor").label == "v0.1.0"
        assert bench.register("churn", 5, semver="v2.0.0-rc.1").label == "v2.0.0-rc.1"
        assert verbs.find(bench.again(), "churn", "latest").label == "v2.0.0-rc.1"
        assert bench.register("churn", 6).label == "v2.0.1"
        assert bench.register("iris", 7, bump="major").label == "v1.0.0"

    def test_a_bump_is_above_deregistered_versions_too(self, bench: Bench) -> None:
        bench.registered("churn", 2)
        verbs.deregister(bench.registry, "churn", "v0.0.2")
        assert bench.register("churn", 3).label == "v0.0.3"

    def test_a_commit_has_one_version(self, bench: Bench) -> None:
        one = bench.register("churn", 1)
        assert bench.register("churn", 1, bump="minor").label == one.label
        assert bench.register("churn", 1, semver=one.label).label == one.label
        for semver, content in (("v1.0.0", 1), (one.label, 2)):
            with pytest.raises(AlreadyExists):
                bench.register("churn", content, semver=semver)
        verbs.deregister(bench.registry, "churn", one.label)
        with pytest.raises(
            AlreadyExists, match=r"registered (at another commit|with other content)"
        ):
            bench.register("churn", 2, semver=one.label)
        with pytest.raises(AlreadyExists, match="one version"):
            bench.register("churn", 1, semver="v1.0.0")
        assert labels(list(bench.state("churn").versions.values())) == [one.label]

    def test_a_number_is_no_version(self, bench: Bench) -> None:
        bench.registered("churn", 1)
        with pytest.raises(VersionNotFound, match="no version 1 of 'churn'"):
            verbs.find(bench.again(), "churn", 1)
        with pytest.raises(InvalidName, match="it has a dot"):
            bench.register("churn.v2", 2)
