-- Custom: drizzle-kit knows no triggers.
CREATE OR REPLACE FUNCTION "annul"."keep_audit_events"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The purge says so for its transaction. Events of the last day are kept in any case.
  IF TG_OP = 'DELETE' AND current_setting('annul.audit_purge', true) = 'on' THEN
    IF OLD.at < now() - interval '1 day' THEN
      RETURN OLD;
    END IF;
    RAISE EXCEPTION 'annul.audit_events is append-only: an event younger than a day can not be purged'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RAISE EXCEPTION 'annul.audit_events is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Events leave by "annul purge", after ANNUL_AUDIT_DAYS.';
END $$;
--> statement-breakpoint
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE ON "annul"."audit_events"
  FOR EACH ROW EXECUTE FUNCTION "annul"."keep_audit_events"();
--> statement-breakpoint
CREATE TRIGGER "audit_events_no_truncate" BEFORE TRUNCATE ON "annul"."audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "annul"."keep_audit_events"();
--> statement-breakpoint
CREATE OR REPLACE FUNCTION "annul"."keep_audit_seals"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The purge notes once that the events of an hour are gone, and changes nothing else.
  IF TG_OP = 'UPDATE' AND current_setting('annul.audit_purge', true) = 'on'
    AND OLD.purged_at IS NULL AND NEW.purged_at IS NOT NULL AND OLD.hour < now() - interval '1 day'
    AND (NEW.hour, NEW.events, NEW.mac, NEW.sealed_at) = (OLD.hour, OLD.events, OLD.mac, OLD.sealed_at) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'annul.audit_seals is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER "audit_seals_append_only" BEFORE UPDATE OR DELETE ON "annul"."audit_seals"
  FOR EACH ROW EXECUTE FUNCTION "annul"."keep_audit_seals"();
--> statement-breakpoint
CREATE TRIGGER "audit_seals_no_truncate" BEFORE TRUNCATE ON "annul"."audit_seals"
  FOR EACH STATEMENT EXECUTE FUNCTION "annul"."keep_audit_seals"();
