"""Small files shaped like those of real shops, and one with everything that can be wrong."""

from __future__ import annotations

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"

# A product under two prices, a line that is written twice, postage, a fee, a correction and a price of 0.
SHOP = f"""{HEADER}
900001,A100,RED LANTERN,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
900001,A200,BLUE MUG,2,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
900001,A200,BLUE MUG,2,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
900002,A100,RED LANTERN,1,2010-12-01 09:00:00,2.55,12583.0,France
900002,POST,POSTAGE,3,2010-12-01 09:01:00,18.0,12583.0,France
900003,A100,RED LANTERN SALE,10,2010-12-02 10:00:00,1.95,13047.0,United Kingdom
900003,A300,GREEN TIN,1,2010-12-02 10:00:00,0.0,13047.0,United Kingdom
900003,M,Manual,1,2010-12-02 10:00:00,7.5,13047.0,United Kingdom
900003,BANK CHARGES,Bank Charges,1,2010-12-02 10:00:00,15.0,13047.0,United Kingdom
"""
# By hand: 15.30 + 6.78 + 6.78, 2.55 + 54.00, 19.50 + 0.00 + 7.50 + 15.00.
SHOP_TOTAL = "127.41"
SHOP_ROWS = 9

BROKEN = b"".join(
    [
        f"{HEADER}\n".encode(),
        b"1,A1,Good one,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b'2,A2,"Never closed,1,2010-12-01 08:26:00,2.55,5.0,France\n',
        b"3,A3,Too few columns,1\n",
        b'4,A4,"Stray "quote" inside",1,2010-12-01 08:26:00,2.55,5.0,France\n',
        b"5,A5,Not a number,six,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"6,A6,Negative,-1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"7,A7,Bad date,1,2010-13-01,2.55,5.0,France\n",
        b"8,A8,Bad price,1,2010-12-01 08:26:00,free,5.0,France\n",
        b"9,,No code,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b",A9,No order number,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"10,A10,NUL \x00 inside,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"11,A11,Space in the price,1,2010-12-01 08:26:00,2 55,5.0,France\n",
        b"12,A12," + b"y" * 40_000 + b",1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"13,A13,=1+1,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"14,A14,=1+1,=2*3,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"15,A15,Caf\xe9 cups,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b",,,,,,,\n",
        b"\n",
        b"16,A16,Future,1,2999-01-01 00:00:00,2.55,5.0,France\n",
        b"17,A17,Half good,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"17,A18,Half bad,0,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"18,A19,Two customers,1,2010-12-01 08:26:00,2.55,5.0,France\n",
        b"18,A20,Two customers,1,2010-12-01 08:26:00,2.55,6.0,France\n",
        b"19,A21,2.555 is no price in pounds,1,2010-12-01 08:26:00,2.555,5.0,France\n",
        b'20,A22,"Two\nlines",2,01/12/2010 08:26,"1,234.50",5.0,France\n',
    ]
)
BROKEN_ROWS = 23
# 1, 13, 15 and 20 go in.
BROKEN_GOOD = 4
# A file for tests of length: its second row has ten megabytes.
HUGE_LINE = b"%b\n1,A1,%b,1,2010-12-01,2.55,5.0,France\n2,A2,Mug,1,2010-12-01,2.55,5.0,France\n" % (
    HEADER.encode(), b"x" * 10_000_000
)  # fmt: skip

PRODUCTS = """sku,name,price,currency,inventory,category,description,type,status
NB-1,Harbour Lights,32.00,EUR,12,Fiction,"Two
lines, and a ""quote"" in it",physical,active
NB-2,'=SUM(A1),14.90,EUR,,Fiction,,ebook,draft
NB-3,Quiet Orchard,1500,JPY,0,,,physical,archived
"""
