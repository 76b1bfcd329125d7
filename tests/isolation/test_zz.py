import time
def test_s(street):
    for n in street.neighbours.values():
        print(n.label, n.live, n.gone)
    assert 0
