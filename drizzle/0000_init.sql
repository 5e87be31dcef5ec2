CREATE SCHEMA IF NOT EXISTS "annul";
--> statement-breakpoint
CREATE TABLE "annul"."audit_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"kind" text NOT NULL,
	"actor_id" uuid,
	"user_id" uuid,
	"session_id" uuid,
	"ip_address" "inet",
	"device" text,
	"detail" text
);
--> statement-breakpoint
CREATE TABLE "annul"."epochs" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"epoch" bigint NOT NULL,
	CONSTRAINT "epochs_one_row" CHECK ("annul"."epochs"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "annul"."nodes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"beat" bigint DEFAULT 0 NOT NULL,
	"lease_ms" integer NOT NULL,
	"synced" "pg_snapshot" DEFAULT '1:1:' NOT NULL
);
--> statement-breakpoint
CREATE TABLE "annul"."revocations" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"kind" text NOT NULL,
	"subject" uuid,
	"min_version" bigint,
	"reason" text NOT NULL,
	"revoked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "revocations_kind" CHECK ("annul"."revocations"."kind" in ('session', 'user', 'everyone'))
);
--> statement-breakpoint
CREATE TABLE "annul"."sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"session_version" integer NOT NULL,
	"epoch" bigint NOT NULL,
	"generation" integer DEFAULT 1 NOT NULL,
	"attempts" "bytea"[] DEFAULT '{}' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"rotated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"idle_expires_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"end_reason" text,
	"auth_time" timestamp (3) with time zone NOT NULL,
	"cookie" boolean DEFAULT false NOT NULL,
	"renewed_at" timestamp (3) with time zone,
	"user_agent" text,
	"ip_address" "inet"
);
--> statement-breakpoint
CREATE TABLE "annul"."signing_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"public_jwk" jsonb NOT NULL,
	"encrypted_private_key" "bytea" NOT NULL,
	"signs_from" timestamp (3) with time zone NOT NULL,
	"retired_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "annul"."users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text,
	"email_key" text,
	"email_verified" boolean DEFAULT false NOT NULL,
	"password_hash" text,
	"roles" text[] DEFAULT '{}' NOT NULL,
	"scopes" text[] DEFAULT '{}' NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"token_version" integer DEFAULT 1 NOT NULL,
	"token_reason" text,
	"session_version" integer DEFAULT 1 NOT NULL,
	"session_reason" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_status" CHECK ("annul"."users"."status" in ('ACTIVE', 'BLOCKED', 'DELETED'))
);
--> statement-breakpoint
ALTER TABLE "annul"."sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "annul"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_events_user" ON "annul"."audit_events" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "revocations_xid" ON "annul"."revocations" USING btree ("xid");--> statement-breakpoint
CREATE INDEX "revocations_revoked" ON "annul"."revocations" USING btree ("revoked_at");--> statement-breakpoint
CREATE INDEX "sessions_user" ON "annul"."sessions" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key" ON "annul"."users" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "users_created" ON "annul"."users" USING btree ("created_at","id");