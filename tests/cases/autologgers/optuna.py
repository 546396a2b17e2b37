"""Studies of Optuna, and all of it logged by hand."""

from __future__ import annotations

from typing import Any

import optuna

from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun


def case() -> AutologgerCase:
    return AutologgerCase(
        "optuna",
        {
            "study": Training(study, study_by_hand, children=6, model=None),
            "pareto": Training(pareto, pareto_by_hand, children=3, model=None),
        },
        failing=failing,
    )


def _objective(trial: Any) -> float:
    x = trial.suggest_float("x", -1, 1)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    trial.report(x, 0)
    if trial.number == 3:
        raise optuna.TrialPruned
    trial.report(x * x, 1)
    return x * x + (kind == "b")


def _study() -> Any:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0), pruner=optuna.pruners.NopPruner()
    )
    found.optimize(_objective, n_trials=6)
    return found


def study() -> Any:
    return [(t.params, t.values, t.state.name) for t in _study().trials]


def study_by_hand(run: ActiveRun) -> Any:
    found = _study()
    run.log_params(
        {
            "direction": "minimize",
            "sampler": "RandomSampler",
            "pruner": "NopPruner",
            "n_trials": 6,
        }
    )
    run.log_metrics(
        {
            "trials_complete": 5,
            "trials_pruned": 1,
            "best_value": found.best_value,
            "best_trial": found.best_trial.number,
        }
    )
    return [(t.params, t.values, t.state.name) for t in found.trials]


def _pareto() -> Any:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(
        directions=["minimize", "maximize"], sampler=optuna.samplers.RandomSampler(seed=0)
    )
    found.optimize(_both, n_trials=3)
    return found


def _both(trial: Any) -> tuple[float, float]:
    x = trial.suggest_float("x", 0, 1)
    return x, x * x


def pareto() -> Any:
    return [t.values for t in _pareto().trials]


def pareto_by_hand(run: ActiveRun) -> Any:
    found = _pareto()
    run.log_params(
        {
            "direction": "minimize,maximize",
            "sampler": "RandomSampler",
            "pruner": type(found.pruner).__name__,
            "n_trials": 3,
        }
    )
    run.log_metrics({"trials_complete": 3, "best_trials": len(found.best_trials)})
    return [t.values for t in found.trials]


def failing() -> Any:
    def objective(trial: Any) -> float:
        raise Wrong("no objective")

    optuna.create_study().optimize(objective, n_trials=2)
