-- users before sessions, in the order in which every transaction locks them.
CREATE TABLE "annul"."factor_challenges" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hash" "bytea" NOT NULL,
	"user_id" uuid NOT NULL,
	"session_version" integer NOT NULL,
	"epoch" bigint NOT NULL,
	"token_id" uuid,
	"password_hash" text,
	"tries" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"spent_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "annul"."factors" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"name" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	"secret" "bytea",
	"last_step" bigint,
	"credential_id" text,
	"public_key" "bytea",
	"counter" bigint,
	"transports" text[],
	"backup_eligible" boolean,
	"backed_up" boolean,
	"uv_initialized" boolean,
	CONSTRAINT "factors_kind" CHECK ("annul"."factors"."kind" in ('PASSKEY', 'TOTP', 'RECOVERY_CODE'))
);
--> statement-breakpoint
CREATE TABLE "annul"."recovery_codes" (
	"factor_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "recovery_codes_factor_id_hash_pk" PRIMARY KEY("factor_id","hash")
);
--> statement-breakpoint
CREATE TABLE "annul"."spent_challenges" (
	"id" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "annul"."users" ADD COLUMN "delay_factor_reset" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "annul"."users" ADD COLUMN "factors_end_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "annul"."sessions" ADD COLUMN "amr" text[] DEFAULT '{pwd}' NOT NULL;--> statement-breakpoint
ALTER TABLE "annul"."sessions" ADD COLUMN "factor_ids" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "annul"."sessions" ADD COLUMN "factor_time" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "annul"."factor_challenges" ADD CONSTRAINT "factor_challenges_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "annul"."users"("id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "annul"."factors" ADD CONSTRAINT "factors_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "annul"."users"("id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "annul"."recovery_codes" ADD CONSTRAINT "recovery_codes_factor_id_factors_id_fk" FOREIGN KEY ("factor_id") REFERENCES "annul"."factors"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "factor_challenges_hash" ON "annul"."factor_challenges" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "factor_challenges_user" ON "annul"."factor_challenges" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "factor_challenges_expires" ON "annul"."factor_challenges" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "factors_user" ON "annul"."factors" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "factors_credential" ON "annul"."factors" USING btree ("credential_id");--> statement-breakpoint
CREATE INDEX "spent_challenges_expires" ON "annul"."spent_challenges" USING btree ("expires_at");--> statement-breakpoint
-- No session of an account with a second factor is opened without one: also not by a node of an older version, which
-- knows of no factor, nor by a login that began before the first factor was confirmed.
CREATE FUNCTION "annul"."refuse_session_without_factor"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT ('mfa' = ANY (NEW.amr)) AND EXISTS (
    SELECT FROM annul.factors WHERE user_id = NEW.user_id AND confirmed_at IS NOT NULL AND kind IN ('PASSKEY', 'TOTP')
  ) THEN
    RAISE EXCEPTION 'This account has a second factor, and the session was to be opened without one.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'sessions_second_factor';
  END IF;
  RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "sessions_second_factor" BEFORE INSERT ON "annul"."sessions"
  FOR EACH ROW EXECUTE FUNCTION "annul"."refuse_session_without_factor"();
