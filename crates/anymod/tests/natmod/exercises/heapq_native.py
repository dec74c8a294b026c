import heapq_native as m

numbers = [(i * 7919) % 1009 for i in range(200)]
heap = list(numbers)
m.heapify(heap)
assert [m.heappop(heap) for _ in numbers] == sorted(numbers) and heap == []
for word in "the quick brown fox jumps".split():
    m.heappush(heap, word)
assert m.heappop(heap) == "brown" and m.heappop(heap) == "fox"
try:
    m.heappop([])
    raise AssertionError("no error")
except IndexError:
    pass
