-- What waits for somebody, apart from coupons and tickets that wait for their members alone: those are many, and stay
-- approved until they are used.

DROP INDEX redemptions_open;
CREATE INDEX redemptions_open ON redemptions (state, requested_at, member_id, sequence)
    WHERE state IN ('waiting_for_payment', 'waiting_for_approval')
        OR state = 'approved' AND content ->> 'fulfilment' IN ('shipping', 'booking', 'digital');
-- And what was delivered, newest first.
CREATE INDEX redemptions_delivered ON redemptions (requested_at, member_id, sequence)
    WHERE state = 'fulfilled' AND content ->> 'fulfilment' IN ('shipping', 'booking', 'digital');
