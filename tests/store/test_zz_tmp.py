from datetime import timedelta
import time, uuid
from typing import Any
from sqlalchemy import text, insert, event, Engine
from app.kit.ids import new_id
from app.store.products.models import Product
from app.store.orders.models import SalesOrder, OrderLine
from app.store.products import queries as P
from app.store.orders import queries as O
from app.store import queries as H
from tests.store.support import make

def test_plans(world: Any, superuser_url) -> None:
    house = world.tenant("big", tier="premium")
    tid = house.tenant.id
    with house.ctx() as ctx:
        pid = make(ctx).id
        base = dict(tenant_id=tid, type="physical", description="", category="Fiction", price_minor=100, currency="EUR", status="active", row_version=1)
        for c in range(0, 50000, 2500):
            ctx.db.execute(insert(Product.__table__).values([dict(base, id=new_id(), name=f"Name {i:06}", name_norm=f"name {i:06}", sku=f"S{i:06}", sku_norm=f"s{i:06}", inventory=i, created_at=ctx.now - timedelta(minutes=i), updated_at=ctx.now) for i in range(c, c+2500)]))
        ob = dict(tenant_id=tid, customer_name="", status="delivered", payment_status="paid", currency="EUR", total_minor=100, ship_street="", ship_city="", ship_state="", ship_zip="", ship_country="", source="import", note="", row_version=1)
        for c in range(0, 60000, 2000):
            ids = [new_id() for _ in range(2000)]
            ctx.db.execute(insert(SalesOrder.__table__).values([dict(ob, id=ids[j], number=10000+c+j, customer_email=f"c{(c+j)%500}@x.example", customer_email_norm=f"c{(c+j)%500}@x.example", placed_at=ctx.now - timedelta(minutes=(c+j)*5), created_at=ctx.now, updated_at=ctx.now, status="confirmed" if (c+j)%3000==0 else "delivered") for j in range(2000)]))
            ctx.db.execute(insert(OrderLine.__table__).values([dict(tenant_id=tid, id=new_id(), order_id=ids[j], position=1, kind="product", product_id=pid, product_type="physical", product_name="x", sku="x", quantity=1, price_minor=100, subtotal_minor=100, stock_taken=False) for j in range(2000)]))
    import psycopg
    with psycopg.connect(superuser_url, autocommit=True) as c:
        c.execute("ANALYZE")
        print(c.execute("select proname, proleakproof from pg_proc where proname in ('text_lt','text_ge','texteq','bttextcmp','uuid_eq','timestamptz_lt','int8lt','uuid_lt','timestamptz_ge','date_trunc', 'int8le', 'textne')").fetchall())
    with house.ctx() as ctx:
        seen = []
        def note(conn, cur, stmt, params, *r): seen.append((stmt, params))
        def run(name, f):
            seen.clear()
            event.listen(Engine, "before_cursor_execute", note)
            t=time.perf_counter(); f(); dt=(time.perf_counter()-t)*1000
            event.remove(Engine, "before_cursor_execute", note)
            print(f"\n##### {name}: {dt:.1f} ms")
            for stmt, params in list(seen):
                cur = ctx.db.connection().connection.cursor()
                cur.execute("EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF) " + stmt, params)
                for row in cur.fetchall(): print("   ", row[0][:170])
        F=P.ProductFilter; L=lambda **k: P.list_products(ctx, filters=F(**k), limit=50)
        run("default", lambda: L())
        p1 = L(sort="name"); run("name page2", lambda: P.list_products(ctx, filters=F(sort="name"), cursor=p1.next_cursor, limit=50))
        run("status active name", lambda: L(status="active", sort="name"))
        run("q", lambda: L(q="name 0499", sort="name"))
        run("q sku", lambda: L(q="s0499"))
        run("low", lambda: L(stock="low", sort="name"))
        run("cat", lambda: L(category="Fiction"))
        run("categories", lambda: P.list_categories(ctx))
        run("counts", lambda: P.count_by_view(ctx))
        run("o default", lambda: O.list_orders(ctx, filters=O.OrderFilter(), limit=50))
        run("o email", lambda: O.list_orders(ctx, filters=O.OrderFilter(customer_email="c7@x.example"), limit=50))
        run("o status", lambda: O.list_orders(ctx, filters=O.OrderFilter(status="confirmed"), limit=50))
        run("o total", lambda: O.list_orders(ctx, filters=O.OrderFilter(sort="-total"), limit=50))
        run("o counts", lambda: O.count_by_status(ctx))
        run("sold", lambda: O.sold_lately(ctx, product_id=pid))
        run("home", lambda: H.home_numbers(ctx))
