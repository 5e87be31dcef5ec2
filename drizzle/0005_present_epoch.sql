CREATE OR REPLACE FUNCTION "annul"."present_epoch"() RETURNS bigint LANGUAGE sql STABLE AS 'select epoch from annul.epochs where id = 1';
