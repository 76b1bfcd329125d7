from schemathesis.specs.openapi.checks import ignored_auth
import schemathesis, pytest, threading
from hypothesis import settings, HealthCheck
from typing import Any
def test_fuzz(world: Any, app: Any) -> None:
    house = world.tenant("fuzz", tier="enterprise")
    api = house.api()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, headers={"Host": house.host}) if False else None
    import json
    doc = api.client.get("/api/v1/openapi.json").json
    doc["paths"] = {p: o for p, o in doc["paths"].items() if "/products" in p or "/orders" in p}
    json.dump(doc, open("/tmp/store/openapi.json", "w"), indent=1)
    schema = schemathesis.openapi.from_dict(doc)
    schema.app = app
    bad = []
    from schemathesis.generation import GenerationMode
    for result in schema.get_all_operations():
        op = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            from hypothesis import given
            try:
                strategy = op.as_strategy(generation_mode=mode)
            except Exception as e:
                print("no", mode, op.label, e); continue
            @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(case=strategy)
            def run(case):
                h = {"Authorization": f"Bearer {api.token}", "Host": house.host}
                r = case.call(headers=h, base_url=f"http://{house.host}")
                key = None
                if r.status_code >= 500: key = "5xx"
                elif str(r.status_code) not in op.definition.raw["responses"]: key = f"undocumented {r.status_code}"
                elif mode is GenerationMode.POSITIVE and r.status_code in (400, 422): key = f"refused {r.status_code}"
                elif mode is GenerationMode.NEGATIVE and r.status_code < 300: key = f"accepted {r.status_code}"
                else:
                    try: case.validate_response(r, excluded_checks=[ignored_auth])
                    except BaseExceptionGroup as e: key = "schema"+str(e)[:300]
                if key: bad.append((op.label, str(mode), key, repr(case.query)[:150], repr(case.headers)[:150], repr(case.body)[:200], r.text[:300]))
            run()
    seen=set()
    for b in bad:
        import re; k=(b[0],b[1],re.sub(r"[0-9a-f]{8}-[-0-9a-f]+","",b[2]),re.sub(r"[0-9a-f]{8}-[-0-9a-f]+","",b[6]))
        if k in seen: continue
        seen.add(k); print("\n".join(map(str,b)), "\n--")
