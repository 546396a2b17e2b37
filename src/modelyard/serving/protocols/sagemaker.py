from modelyard.serving.scoring import common_routes


def routes(service):
    return [*common_routes(service)]


def openapi(service):
    return {"paths": {}, "components": {"schemas": {}}}
