from nsm.admission.cases import run
from nsm.admission.reading import read_rules

TEXT = """
default: allow
rules:
  - name: web-uses-gateway
    allow: use
    who: "spiffe://*/ns/*/web*"
    service: secure-gateway
    labels: {app: web}
  - name: nobody-else
    deny: use
    service: secure-gateway
    because: only web may use the gateway
  - {name: night, deny: serve, hours: 22:00-06:00}
cases:
  - {who: spiffe://hello/ns/hello/web, use: secure-gateway, labels: {app: web}, expect: allow}
  - {who: spiffe://hello/ns/hello/db, use: secure-gateway, expect: nobody-else}
  - {who: spiffe://hello/ns/hello/web, use: secure-gateway, expect: deny}
  - {who: spiffe://hello/ns/hello/web, use: other, expect: default}
  - {who: spiffe://hello/ns/hello/gw, serve: other, at: 23:30, expect: night}
  - {who: spiffe://hello/ns/hello/gw, serve: other, expect: night}
  - {who: spiffe://hello/ns/hello/db, use: secure-gateway, expect: web-uses-gateway}
"""


def test_each_case_comes_to_what_is_expected_or_not() -> None:
    outcomes = run(read_rules(TEXT, "r.yaml"))
    assert [one.expected for one in outcomes] == [True, True, True, True, True, False, False]
    assert [one.verdict.rule for one in outcomes][-2:] == ["default", "nobody-else"]
    assert outcomes[-1].case.line == 21
