"""What rules give: worked examples that read like a specification, and laws that hold for all of them."""
