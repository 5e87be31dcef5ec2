CREATE TABLE "annul"."followers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"age_ms" double precision,
	"lease_ms" integer NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "annul"."service_secrets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"service_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "annul"."services" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"rights" text[] NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "annul"."revocations" DROP CONSTRAINT "revocations_kind";--> statement-breakpoint
ALTER TABLE "annul"."nodes" ADD COLUMN "joined_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "annul"."signing_keys" ADD COLUMN "algorithm" text DEFAULT 'ES256' NOT NULL;--> statement-breakpoint
ALTER TABLE "annul"."signing_keys" ADD COLUMN "revoked_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "annul"."service_secrets" ADD CONSTRAINT "service_secrets_service_id_services_id_fk" FOREIGN KEY ("service_id") REFERENCES "annul"."services"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "service_secrets_hash" ON "annul"."service_secrets" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "service_secrets_service" ON "annul"."service_secrets" USING btree ("service_id");--> statement-breakpoint
CREATE UNIQUE INDEX "services_name" ON "annul"."services" USING btree ("name") WHERE "annul"."services"."ended_at" is null;--> statement-breakpoint
ALTER TABLE "annul"."revocations" ADD CONSTRAINT "revocations_kind" CHECK ("annul"."revocations"."kind" in ('session', 'user', 'everyone', 'key'));