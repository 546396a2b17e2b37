"""What commands there are, in the order and groups of ``--help``. A test holds each line against the command itself."""

from __future__ import annotations

from collections.abc import Mapping

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Start": {
        "demo": "See it all work in one minute, in ./modelyard-demo/.",
        "init": "Make this folder a project.",
        "doctor": "Look for what could go wrong here, and say how to mend it.",
        "config": "Show settings and which one won, or set one.",
    },
    "Models and data": {
        "import": "Make an object of a file that another tool saved.",
        "show": "Show everything known about an object, or the registry.",
        "list": "List saved objects below a folder.",
        "schema": "Show what a model takes and gives, or what data looks like.",
        "diff": "Compare two objects: schema, metrics, requirements, content.",
        "checkenv": "Compare this environment with what a model was saved in.",
        "apply": "Apply a model to data.",
        "evaluate": "Measure a model against known answers.",
        "trust": "Show what a model would run when loaded, and trust it.",
        "clone": "Copy an object.",
        "link": "Make a path stand for another object.",
        "push": "Send what the project's DVC remote lacks.",
        "pull": "Bring what DVC tracks and is missing here.",
        "migrate": "Bring over what other tools kept: MLflow, MLEM, mlops-lite.",
    },
    "Serve and ship": {
        "serve": "Serve models over HTTP.",
        "apply-remote": "Apply a served model to data.",
        "build": "Build a package of a model: wheel, mlflow or requirements.",
        "ci": "Write a workflow for tags; try a model as it does.",
    },
    "The yard": {
        "register": "Register a saved model under a name.",
        "promote": "Assign a version to a stage.",
        "demote": "Take a stage away.",
        "alias": "Set, remove or list aliases.",
        "deregister": "Take a version out of use.",
        "deprecate": "Mark a model as not to be used any more.",
        "history": "Show what happened to a name.",
        "which": "Show which version a stage holds, now or at a time.",
        "check-ref": "Say what a tag of a Git registry means.",
        "registry": "Keep a yard and Git in step; attach other repositories.",
        "data": "Add, list, show and get data sets.",
        "models": "List, get, rename and delete registered models.",
        "runs": "Search, compare, log, import, delete and export runs.",
        "watch": "Watch runs in the terminal: a table and curves, as they grow.",
        "artifacts": "List, get and put files of runs.",
        "sync": "Send what was logged while the yard was away.",
        "predictions": "List, export and erase logged predictions; tell outcomes.",
        "db": "Upgrade, check, back up, export and import the yard.",
    },
    "The hub": {
        "hub": "Serve the yard to a team over HTTP.",
        "user": "Add, list and remove users of the hub.",
        "token": "Create, list and revoke tokens of users.",
        "login": "Keep a token for a hub.",
        "api": "Call a hub and print what it answers.",
    },
}
"""Section -> command -> its one line of help."""

GROUPS: Mapping[str, Mapping[str, str]] = {
    "ci": {
        "init": "Write a workflow that checks, tries, builds and deploys what a tag names.",
        "test": "Load a model and call its methods on the sample of its card.",
    },
    "user": {
        "add": "Add a user of the hub, or give one another role.",
        "list": "List users of the hub.",
        "remove": "Remove a user with all tokens.",
    },
    "token": {
        "create": "Create a token of a user and print it, once.",
        "list": "List tokens, without their secrets.",
        "revoke": "Revoke a token.",
    },
    "migrate": {
        "mlem": "Convert .mlem files, in place or into a folder.",
        "mlflow": "Copy what MLflow kept: runs, models, registry.",
        "mlopslite": "Bring an mlops-lite registry into the yard.",
    },
    "config": {
        "list": "Show every setting, its value and where it comes from.",
        "set": "Set a setting of this project or of this user.",
    },
    "registry": {
        "mirror": "Keep the project's yard and a Git registry in step, in both directions.",
        "attach": "Show the models of a Git repository in one table with the yard's.",
        "detach": "Show a repository's models in the yard's table no longer.",
        "attached": "List the repositories whose models stand in one table with the yard's.",
    },
    "data": {
        "add": "Add a file as a data set.",
        "list": "List data sets.",
        "show": "Show the columns of a data set.",
        "get": "Write a data set to a file.",
    },
    "models": {
        "list": "List registered models.",
        "versions": "List the versions of a model.",
        "get": "Write a registered model to a path.",
        "rename": "Rename a model.",
        "delete": "Delete a model or one version.",
    },
    "predictions": {
        "list": "List logged predictions, newest first.",
        "export": "Write logged predictions to a file.",
        "feedback": "Tell what turned out to be true.",
        "erase": "Erase logged predictions for good.",
    },
    "runs": {
        "list": "List runs, newest first, or those that a filter selects.",
        "show": "Show all that is known of a run.",
        "compare": "Show runs beside each other.",
        "export": "Write the files of a run into a new folder.",
        "import": "Bring runs that other tools kept in files: dvclive, tensorboard, wandb, neptune.",
        "delete": "Delete runs.",
        "restore": "Bring back deleted runs.",
        "start": "Begin a run and print its id, for a script that logs to it.",
        "log": "Log values to a run.",
        "end": "End a run.",
    },
    "artifacts": {
        "list": "List the files of a run, or of a logged model (m-...).",
        "get": "Write a file of a run, or of a logged model (m-...), verified.",
        "put": "Keep a file with a run, instead of the one that is at this path.",
    },
    "db": {
        "upgrade": "Bring the yard's tables up to date.",
        "check": "Verify the yard: tables, links, every stored byte.",
        "backup": "Copy the yard to a new file, consistent while others write.",
        "gc": "Remove stored files that nothing needs any more.",
        "export": "Copy the yard, all its files inside, to one new file or to an empty database.",
        "import": "Make the project's yard a copy of another one.",
    },
}
"""Group -> its commands."""

ALIASES: Mapping[str, str] = {"assign": "promote", "unassign": "demote", "export": "build"}
"""Words of other tools that mean one of ours."""
