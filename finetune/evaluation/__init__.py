"""How well contenders answer: scores, intervals, refusals, forgetting, and the promotion gate."""
