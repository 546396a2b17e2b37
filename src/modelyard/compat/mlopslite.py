"""mlops-lite's client over a yard: its README runs with this import in place of its own.

The active data set and model are kept in the yard, so that a new process goes on with those bound last. Loading a
model activates its data set; loading another data set unloads a model that does not belong to it, with a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, MissingExtra, NotFound, UnsupportedType
from modelyard.base.notes import note
from modelyard.yard.datasets import COLUMNS as DATASET_COLUMNS
from modelyard.yard.datasets import Dataset
from modelyard.yard.frames import listing
from modelyard.yard.models import COLUMNS as MODEL_COLUMNS
from modelyard.yard.settings import get_setting, put_setting
from modelyard.yard.versions import ModelVersion
from modelyard.yard.yard import Yard

if TYPE_CHECKING:
    import pandas

ACTIVE_DATASET = "mlopslite.dataset"
ACTIVE_MODEL = "mlopslite.model"

DEFAULT_DATABASE = "sqlite:///mlops-lite.yard.db"


@dataclass(frozen=True)
class RegistryConfig:
    """Where the registry is: a SQLite file, PostgreSQL or MySQL, as a URI."""

    db_constring: str | None = None


class BoundDataset:
    """The active data set."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    @property
    def data(self) -> Any:
        return self._dataset.data

    def info(self) -> pandas.DataFrame:
        """One row a column."""
        return self._dataset.info()  # type: ignore[return-value]  # records=False gives a DataFrame

    def __repr__(self) -> str:
        return f"BoundDataset({self._dataset.ref!r})"


class BoundModel:
    """The active model."""

    def __init__(self, version: ModelVersion) -> None:
        self._version = version

    def __getattr__(self, name: str) -> Any:
        return getattr(self._version, name)

    def predict(self, data: Any, log: bool = False) -> list[dict[str, Any]]:
        """One result a record: class probabilities, or a number."""
        return self._version.predict(data, log=log)

    def __repr__(self) -> str:
        return f"BoundModel({self._version.ref!r})"


class MlopsLite:
    """The client of mlops-lite."""

    def __init__(self, config: RegistryConfig | str | None = None) -> None:
        uri = config.db_constring if isinstance(config, RegistryConfig) else config
        self.yard = Yard(uri)
        self._dataset: BoundDataset | None = None
        self._model: BoundModel | None = None
        self._go_on()

    def _go_on(self) -> None:
        """Bind again what was active last, when it is still there."""
        dataset, model = (
            get_setting(self.yard.database, k) for k in (ACTIVE_DATASET, ACTIVE_MODEL)
        )
        try:
            if dataset is not None:
                self._dataset = BoundDataset(self.yard.datasets.get(int(dataset)))
            if model is not None:
                self._model = BoundModel(self.yard.models.get(int(model)))
        except NotFound as error:
            note(f"what was active last is gone: {error.message}")

    # Data sets

    @property
    def dataset(self) -> BoundDataset:
        """The active data set; `NotFound` when none is bound."""
        if self._dataset is None:
            raise NotFound(
                "no data set is active", hint="bind_dataset(data, name), or pull_dataset(id)"
            )
        return self._dataset

    def bind_dataset(self, data: Any, name: str, description: str = "") -> BoundDataset:
        """Keep a DataFrame (or a mapping of columns) and make it the active data set."""
        if isinstance(data, dict):
            data = frame(data)
        return self._activate_dataset(self.yard.datasets.add(data, name, description))

    def pull_dataset(self, id: int) -> BoundDataset:
        """Make a kept data set the active one, by its id in `list_datasets`."""
        return self._activate_dataset(self.yard.datasets.get(int(id)))

    def _activate_dataset(self, dataset: Dataset) -> BoundDataset:
        if self._model is not None and self._model.record.facts.get("dataset_id") != dataset.id:
            note(f"{self._model.ref} was not trained on {dataset.ref}: it is unloaded")
            self._model = None
            put_setting(self.yard.database, ACTIVE_MODEL, None)
        put_setting(self.yard.database, ACTIVE_DATASET, dataset.id)
        self._dataset = BoundDataset(dataset)
        return self._dataset

    def list_datasets(self) -> pandas.DataFrame:
        """All data sets."""
        return listing(self.yard.datasets.list(records=True), DATASET_COLUMNS, records=False)  # type: ignore[arg-type]

    # Models

    @property
    def model(self) -> BoundModel:
        """The active model; `NotFound` when none is bound."""
        if self._model is None:
            raise NotFound(
                "no model is active", hint="bind_model(object=, name=, target=), or pull_model(id)"
            )
        return self._model

    @property
    def deployable(self) -> BoundModel:
        """The active model, under its later name."""
        return self.model

    def bind_model(
        self,
        object: Any,
        name: str,
        target: str,
        target_mapping: dict[Any, Any] | None = None,
        description: str = "",
    ) -> BoundModel:
        """Keep a model trained on the active data set, and make it the active one."""
        if not callable(getattr(object, "predict", None)):
            raise UnsupportedType(f"a {type(object).__name__} has no predict and cannot be bound")
        facts = (
            {"target_mapping": {str(k): v for k, v in target_mapping.items()}}
            if target_mapping
            else {}
        )
        version = self.yard.models.add(
            object,
            name,
            dataset=self.dataset._dataset,
            target=target,
            description=description,
            metadata=facts,
        )
        return self._activate_model(version)

    def bind_deployable(
        self,
        deployable: Any,
        name: str,
        target: str,
        target_mapping: dict[Any, Any] | None = None,
        description: str = "",
    ) -> BoundModel:
        """`bind_model` under its later name."""
        return self.bind_model(deployable, name, target, target_mapping, description)

    def pull_model(self, id: int) -> BoundModel:
        """Make a kept model the active one, by its id in `list_models`; its data set becomes active too."""
        return self._activate_model(self.yard.models.get(int(id)))

    pull_deployable = pull_model

    def _activate_model(self, version: ModelVersion) -> BoundModel:
        dataset = version.dataset
        self._model = None
        if dataset is not None:
            self._activate_dataset(dataset)
        put_setting(self.yard.database, ACTIVE_MODEL, version.id)
        self._model = BoundModel(version)
        return self._model

    def list_models(self) -> pandas.DataFrame:
        """All models, all versions."""
        rows: Any = self.yard.models.list(records=True)
        return listing(
            [{c: r[c] for c in MODEL_COLUMNS} for r in rows], MODEL_COLUMNS, records=False
        )

    list_deployables = list_models

    def predict(self, data: Any, log: bool = False) -> list[dict[str, Any]]:
        """Predict with the active model."""
        return self.model.predict(data, log=log)

    def close(self) -> None:
        """Close the yard; the file is complete then."""
        self.yard.close()


def frame(columns: dict[str, Any]) -> Any:
    """A DataFrame from a mapping of columns."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra("mlops-lite's client", "pandas", missing=error.name) from error
    return pandas.DataFrame(columns)


def sklearn_dataset_to_dataframe(dataset: Any) -> pandas.DataFrame:
    """One of scikit-learn's bundled data sets as a DataFrame with its target in the last column, ``target``."""
    if not hasattr(dataset, "data") or not hasattr(dataset, "target"):
        raise InvalidInput(
            "this is not one of scikit-learn's data sets", hint="as load_iris() gives it"
        )
    import pandas

    names = getattr(dataset, "feature_names", None)
    data = dataset.data
    table = data.copy() if hasattr(data, "columns") else pandas.DataFrame(data, columns=names)
    table["target"] = dataset.target
    return table
