"""Products and their prices."""

from typing import Any

from stack.stripe import errors, ids, listing, money
from stack.stripe.call import Call, Obj
from stack.stripe.customers import changed
from stack.stripe.errors import Refused
from stack.stripe.events import emit
from stack.stripe.params import Params

_INTERVALS = ("day", "week", "month", "year")
_TAX = ("exclusive", "inclusive", "unspecified")


def new_product(call: Call, params: Params) -> Obj:
    """Keep the product that the parameters describe. Raises Refused."""
    product: Obj = {
        "id": params.text("id") or ids.make("prod_"),
        "object": "product",
        "active": params.flag("active") is not False,
        "created": call.now,
        "default_price": None,
        "description": params.text("description", longest=40_000),
        "images": params.texts("images") or [],
        "livemode": False,
        "marketing_features": [],
        "metadata": params.metadata(),
        "name": params.required("name"),
        "package_dimensions": None,
        "shippable": params.flag("shippable"),
        "statement_descriptor": None,
        "tax_code": params.text("tax_code"),
        "type": "service",
        "unit_label": params.text("unit_label"),
        "updated": call.now,
        "url": params.address("url"),
    }
    if call.find("product", product["id"]):
        raise Refused("Product already exists.", code="resource_already_exists", param="id")
    return call.add(product)


def new_price(call: Call, params: Params, *, product: str, active: bool = True) -> Obj:
    """Keep the price that the parameters describe. Raises Refused."""
    code = money.currency(params)
    amount = params.whole("unit_amount", low=0, high=money.MOST)
    if amount is None:
        raise params.absent("unit_amount")
    money.check_step(amount, code, params.called("unit_amount"))
    recurring = _recurring(params)
    return call.add(
        {
            "id": ids.make("price_"),
            "object": "price",
            "active": active,
            "billing_scheme": "per_unit",
            "created": call.now,
            "currency": code,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": params.text("lookup_key", longest=200),
            "metadata": params.metadata(),
            "nickname": params.text("nickname"),
            "product": product,
            "recurring": recurring,
            "tax_behavior": params.choice("tax_behavior", _TAX) or "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        }
    )


def _recurring(params: Params) -> dict[str, Any] | None:
    given = params.hash("recurring")
    if given is None:
        return None
    interval = given.choice("interval", _INTERVALS)
    if interval is None:
        raise given.absent("interval")
    return {
        "interval": interval,
        "interval_count": given.whole("interval_count", low=1, high=1_095) or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": given.choice("usage_type", ("licensed",)) or "licensed",
    }


def _create_product(call: Call, params: Params, _key: str) -> Obj:
    product = new_product(call, params)
    default = params.hash("default_price_data")
    price = new_price(call, default, product=product["id"]) if default else None
    if price:
        product["default_price"] = price["id"]
        call.save(product)
    emit(call, "product.created", product)
    if price:
        emit(call, "price.created", price)
    return product


def _update_product(call: Call, params: Params, key: str) -> Obj:
    product = call.get("product", key)
    active, default = params.flag("active"), params.text("default_price")
    if default and (call.find("price", default) or {}).get("product") != key:
        raise errors.missing("price", default, param="default_price", status=400)
    wishes = {
        "active": product["active"] if active is None else active,
        "name": params.text("name") or product["name"],
        "description": params.clearable("description", product["description"], longest=40_000),
        "default_price": default or product["default_price"],
        "metadata": params.metadata(product["metadata"]),
        "updated": call.now,
    }
    return changed(call, "product.updated", product, wishes)


def _delete_product(call: Call, params: Params, key: str) -> Obj:
    product = call.get("product", key)
    if call.where("price", "product", key):
        raise errors.unexpected(
            "This product cannot be deleted because it has one or more user-created prices.", param="id"
        )
    call.remove(product)
    emit(call, "product.deleted", product)
    return {"id": key, "object": "product", "deleted": True}


def _list_products(call: Call, params: Params, _key: str) -> Obj:
    return listing.page(call, "product", params, "/v1/products", conditions=_active(params))


def _create_price(call: Call, params: Params, _key: str) -> Obj:
    active = params.flag("active") is not False
    data, named = params.hash("product_data"), params.text("product")
    if (data is None) == (named is None):
        raise Refused("You must specify exactly one of product and product_data.", param="product")
    made = new_product(call, data) if data else call.get("product", named or "", param="product", status=400)
    _free_lookup_key(call, params)
    price = new_price(call, params, product=made["id"], active=active)
    if data:
        emit(call, "product.created", made)
    emit(call, "price.created", price)
    return price


def _free_lookup_key(call: Call, params: Params) -> None:
    lookup_key = params.text("lookup_key")
    holders = call.where("price", "lookup_key", lookup_key) if lookup_key else []
    if params.flag("transfer_lookup_key"):
        for holder in holders:
            changed(call, "price.updated", holder, {"lookup_key": None})
    elif holders:
        raise Refused(
            f"A price (`{holders[0]['id']}`) already uses that lookup key.",
            code="resource_already_exists",
            param="lookup_key",
        )


def _update_price(call: Call, params: Params, key: str) -> Obj:
    price = call.get("price", key)
    active = params.flag("active")
    if params.text("lookup_key") != price["lookup_key"]:
        _free_lookup_key(call, params)
    wishes = {
        "active": price["active"] if active is None else active,
        "lookup_key": params.clearable("lookup_key", price["lookup_key"], longest=200),
        "nickname": params.clearable("nickname", price["nickname"]),
        "metadata": params.metadata(price["metadata"]),
    }
    params.raw("transfer_lookup_key")
    return changed(call, "price.updated", price, wishes)


def _list_prices(call: Call, params: Params, _key: str) -> Obj:
    conditions = _active(params)
    keys = params.texts("lookup_keys")
    if keys:
        marks = ", ".join("?" * len(keys))
        conditions.append((f"json_extract(body, '$.lookup_key') IN ({marks})", keys))
    return listing.page(
        call, "price", params, "/v1/prices", equal=["product", "currency", "type"], conditions=conditions
    )


def _active(params: Params) -> list[listing.Condition]:
    active = params.flag("active")
    return [] if active is None else [("json_extract(body, '$.active') = ?", [int(active)])]


ROUTES = [
    ("POST", "/v1/products", _create_product),
    ("GET", "/v1/products", _list_products),
    ("GET", "/v1/products/<key>", listing.one("product")),
    ("POST", "/v1/products/<key>", _update_product),
    ("DELETE", "/v1/products/<key>", _delete_product),
    ("POST", "/v1/prices", _create_price),
    ("GET", "/v1/prices", _list_prices),
    ("GET", "/v1/prices/<key>", listing.one("price")),
    ("POST", "/v1/prices/<key>", _update_price),
]
