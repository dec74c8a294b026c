from tiny._spam import answer
