-- Add-ons are found by the order that they were taken with.

CREATE INDEX redemptions_of_order ON redemptions ((content ->> 'order')) WHERE content ->> 'order' IS NOT NULL;
