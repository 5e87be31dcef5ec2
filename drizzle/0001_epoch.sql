INSERT INTO "annul"."epochs" ("id", "epoch") VALUES (1, 1) ON CONFLICT DO NOTHING;
