DROP INDEX "annul"."audit_events_at";--> statement-breakpoint
CREATE INDEX "audit_events_kind" ON "annul"."audit_events" USING btree ("kind","id");--> statement-breakpoint
CREATE INDEX "audit_events_xid" ON "annul"."audit_events" USING btree ("xid","id");--> statement-breakpoint
CREATE INDEX "audit_events_at" ON "annul"."audit_events" USING btree ("at","id");