"""How well contenders answer: scores, intervals, refusals, forgetting, the gate, and a page that shows it."""
