"""What a checkout sells: each line by a stored price, or by one described on the spot."""

from stack.stripe import ids
from stack.stripe.call import Call, Obj
from stack.stripe.errors import Refused
from stack.stripe.params import Params
from stack.stripe.products import new_price, new_product

_MOST_LINES, _MOST_PIECES = 100, 999_999


def read(call: Call, params: Params) -> list[Obj]:
    """Return the line items of a new checkout, all in one currency. Raises Refused."""
    given = params.hashes("line_items")
    if not given:
        raise params.absent("line_items")
    if len(given) > _MOST_LINES:
        raise Refused(f"You can have at most {_MOST_LINES} line items.", param="line_items")
    lines = [_line(call, each) for each in given]
    codes = sorted({line["currency"] for line in lines})
    if len(codes) > 1:
        raise Refused(
            f"All prices on a Checkout Session must use the same currency; got {', '.join(codes)}.", param="line_items"
        )
    return lines


def _line(call: Call, params: Params) -> Obj:
    price, data = params.text("price"), params.hash("price_data")
    if (price is None) == (data is None):
        raise Refused(
            f"You must specify exactly one of {params.called('price')} and {params.called('price_data')}.",
            param=params.called("price_data"),
        )
    found = _inline(call, data) if data else _stored(call, params, price or "")
    if found["type"] == "recurring":
        raise Refused(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            param=params.called("price"),
        )
    quantity = params.whole("quantity", low=1, high=_MOST_PIECES)
    if quantity is None:
        raise params.absent("quantity")
    amount = found["unit_amount"] * quantity
    return {
        "id": ids.make("li_"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": found["currency"],
        "description": call.get("product", found["product"])["name"],
        "metadata": params.metadata(),
        "price": found,
        "quantity": quantity,
    }


def _stored(call: Call, params: Params, key: str) -> Obj:
    price = call.get("price", key, param=params.called("price"), status=400)
    if not price["active"]:
        raise Refused(
            f"The price specified is inactive. This field only accepts active prices. ({key})",
            param=params.called("price"),
        )
    return price


def _inline(call: Call, params: Params) -> Obj:
    product, data = params.text("product"), params.hash("product_data")
    if (product is None) == (data is None):
        raise Refused(
            f"You must specify exactly one of {params.called('product')} and {params.called('product_data')}.",
            param=params.called("product_data"),
        )
    if data:
        key = new_product(call, data)["id"]
    else:
        key = call.get("product", product or "", param=params.called("product"), status=400)["id"]
    return new_price(call, params, product=key, active=False)
