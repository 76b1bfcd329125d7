from tests.web.conftest import findings
from tests.web.test_workspace import sign_in
def test_shots(live, acme, chromium, world):
    api = acme.api()
    ids=[]
    for i,(n,t) in enumerate([("The Quiet Orchard","digital"),("Safe Handling of Pressure Vessels","service"),("Harbour Lights, hardcover","physical"),("Studio Licence, 5 devices","digital"),("Field Guide to Northern Mosses","physical")]):
        r=api.post("/products", json={"name":n,"sku":f"NB-20{i}","price":"14.90","currency":"EUR","inventory":12 if i==2 else 100}, headers={"Idempotency-Key":f"k{i}"})
        print(r.status_code, r.text[:200]); ids.append(r.json.get("id"))
    for i in range(3):
        r=api.post("/orders", json={"customer_email":"ada@brook.example","items":[{"product_id":ids[i],"quantity":2}],"shipping_address":{"street":"Oudegracht 118","city":"Utrecht","state":"","zip":"3511","country":"NL"}}, headers={"Idempotency-Key":f"o{i}"})
        print(r.status_code, r.text[:300])
    oid=r.json.get("id")
    base=live.replace("localhost",acme.host)
    for mode,size in (("light",(1360,900)),("phone",(390,844))):
        c=chromium.new_context(viewport={"width":size[0],"height":size[1]},bypass_csp=True,has_touch=mode=="phone",is_mobile=mode=="phone")
        p=c.new_page(); 
        p.goto(base+"/signin"); p.fill("#f-email",acme.owner_email); p.fill("#f-password","a lighthouse in the fog"); p.click("button:has-text('Sign in')"); p.wait_for_timeout(1500)
        for name,path in {"home":"/home","products":"/products","popen":f"/products?open={ids[2]}","pedit":f"/products/{ids[0]}","pnew":"/products/new","orders":"/orders","order":f"/orders/{oid}","onew":"/orders/new","people":"/people","account":"/account","settings":"/settings","plan":"/settings/plan","jobs":"/jobs","imports":"/imports/new","impo":"/imports","exports":"/exports","expn":"/exports/new"}.items():
            a=p.goto(base+path); p.wait_for_timeout(150); p.screenshot(path=f"/tmp/web/out/r-{name}-{mode}.png")
            print(mode,name,a.status,findings(p),p.evaluate("document.documentElement.scrollWidth - innerWidth"))
        c.close()
