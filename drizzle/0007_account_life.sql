CREATE TABLE "annul"."audit_seals" (
	"hour" timestamp (3) with time zone PRIMARY KEY NOT NULL,
	"events" integer NOT NULL,
	"mac" "bytea" NOT NULL,
	"sealed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"purged_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "annul"."budgets" (
	"key" "bytea" PRIMARY KEY NOT NULL,
	"spent" double precision NOT NULL,
	"spent_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "annul"."one_time_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"purpose" text NOT NULL,
	"user_id" uuid,
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"password_hash" text,
	"device" "bytea",
	"code_tries" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "annul"."outbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"user_id" uuid,
	"recipient" text NOT NULL,
	"token_id" uuid,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "annul"."sessions" DROP CONSTRAINT "sessions_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "annul"."audit_events" ADD COLUMN "xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "annul"."one_time_tokens" ADD CONSTRAINT "one_time_tokens_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "annul"."users"("id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
CREATE INDEX "budgets_spent_at" ON "annul"."budgets" USING btree ("spent_at");--> statement-breakpoint
CREATE INDEX "one_time_tokens_user" ON "annul"."one_time_tokens" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "one_time_tokens_email" ON "annul"."one_time_tokens" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "one_time_tokens_device" ON "annul"."one_time_tokens" USING btree ("device");--> statement-breakpoint
CREATE INDEX "one_time_tokens_expires" ON "annul"."one_time_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "outbox_next" ON "annul"."outbox" USING btree ("next_at");--> statement-breakpoint
ALTER TABLE "annul"."sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "annul"."users"("id") ON DELETE no action ON UPDATE cascade;