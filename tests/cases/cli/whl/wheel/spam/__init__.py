from spam._a import answer
