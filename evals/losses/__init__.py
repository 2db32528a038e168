"""Where a criterion that a member met was lost on the way to the final answer."""
