import features0

product = 1
for n in range(13):
    product *= max(n, 1)
    assert features0.factorial(n) == product, n
