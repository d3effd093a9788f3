"""What strangers write stays data: bad rows, hostile texts, secrets, requests without a right to them."""
