"""statsmodels: regressions from arrays, tables and formulas. Time series, which take no rows, have tests of their own."""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: F401  # a formula names it
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.base.model import Model

from cases.flavors.boosting_data import AMOUNT, CODES, NUMERIC, TABLE, WEIGHTS, quietly
from modelyard.objects.flavors import statsmodels
from modelyard.testing.flavors import Example, FlavorCase

CONSTANT = sm.add_constant(NUMERIC.fillna(0.0))
PEOPLE = TABLE.fillna({"pay": 0.0}).assign(
    town=TABLE["town"].astype(object), amount=AMOUNT, yes=CODES > 0
)


def bolder(x: Any) -> Any:
    return 2 * x


def models() -> dict[str, Example]:
    return {
        "least squares of a table": Example(
            quietly(lambda: sm.OLS(AMOUNT, CONSTANT).fit()), CONSTANT, labels=["ols"]
        ),
        "least squares of arrays": Example(
            quietly(lambda: sm.OLS(AMOUNT, CONSTANT.to_numpy()).fit()), CONSTANT.to_numpy()
        ),
        "with weights": Example(
            quietly(lambda: sm.WLS(AMOUNT, CONSTANT, weights=WEIGHTS).fit()), CONSTANT
        ),
        "generalised": Example(
            quietly(lambda: sm.GLM(CODES > 0, CONSTANT, sm.families.Binomial()).fit()),
            CONSTANT,
            labels=["glm"],
        ),
        "logistic": Example(
            quietly(lambda: sm.Logit(CODES % 2, CONSTANT).fit(disp=0)), CONSTANT, labels=["logit"]
        ),
        "of three classes": Example(
            quietly(lambda: sm.MNLogit(CODES, CONSTANT).fit(disp=0, maxiter=5)), CONSTANT
        ),
        "regularised": Example(
            quietly(lambda: sm.OLS(AMOUNT, CONSTANT).fit_regularized(alpha=0.1)), CONSTANT
        ),
        "a formula": Example(
            quietly(lambda: smf.ols("amount ~ age + C(town) + pay:visits", PEOPLE).fit()), PEOPLE
        ),
        "a formula with functions": Example(
            quietly(
                lambda: smf.ols(
                    "amount ~ np.exp(age) + bolder(pay) + standardize(visits)", PEOPLE
                ).fit()
            ),
            PEOPLE,
        ),
        "a formula of a mixed model": Example(
            quietly(lambda: smf.mixedlm("amount ~ age", PEOPLE, groups=PEOPLE["town"]).fit()),
            PEOPLE,
            labels=["mixed-lm"],
        ),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=statsmodels,
        models=models(),
        strangers={
            "family": sm.families.Binomial(),
            "class": Model,
            "function": sm.add_constant,
        },
        unready={"model": sm.OLS(AMOUNT, CONSTANT)},
    )
