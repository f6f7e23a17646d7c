import type { Migration } from "@sluice/postgres";
import { GENESIS_HASH } from "./chain.ts";

/**
 * The database keeps the record growing at its end only: triggers refuse every other change, and the head moves only by an
 * insert that continues the chain. That holds against programs and ordinary roles. The owner of the tables (the role that
 * ran this, and so the registry's own) can switch the triggers off, and the chain has no key: who owns the tables can
 * compute it anew. Nothing here finds that; a head that was noted elsewhere does.
 */
export const eventStoreMigrations: ReadonlyArray<Migration> = [
  {
    name: "event-store/1-audit-events",
    sql: `
      create table audit_events (
        position bigint primary key,
        partition int not null, "offset" bigint not null,
        application text not null, sequence bigint not null, release_id text,
        event_id text not null, type text not null, payload text not null,
        refusal_code text, refusal_sentence text,
        recorded_at text not null, previous_hash text not null, hash text not null,
        unique (partition, "offset"), unique (application, sequence));
      create index audit_events_release on audit_events (release_id, position) where release_id is not null;

      create table audit_head (
        id int primary key default 1 check (id = 1), position bigint not null, hash text not null);
      insert into audit_head (position, hash) values (0, '${GENESIS_HASH}');

      create function refuse_audit_change() returns trigger language plpgsql as $$ begin
        raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = '55000';
      end $$;
      create trigger audit_events_no_change before update or delete on audit_events
        for each row execute function refuse_audit_change();
      create trigger audit_events_no_truncate before truncate on audit_events
        for each statement execute function refuse_audit_change();
      -- The head is moved by the trigger below (whose statements run at depth 1) and by nobody else.
      create trigger audit_head_no_change before insert or update or delete on audit_head
        for each row when (pg_trigger_depth() < 1) execute function refuse_audit_change();
      create trigger audit_head_no_truncate before truncate on audit_head
        for each statement execute function refuse_audit_change();

      create function continue_audit_chain() returns trigger language plpgsql as $$
      declare
        head audit_head;
        first_added record;
        last_added record;
        added_rows bigint;
      begin
        select count(*) into added_rows from added;
        if added_rows = 0 then return null; end if;
        select * into head from audit_head for update;
        select position, previous_hash, hash into first_added from added order by position limit 1;
        select position, hash into last_added from added order by position desc limit 1;
        if first_added.position <> head.position + 1 or first_added.previous_hash <> head.hash
           or last_added.position <> head.position + added_rows then
          raise exception 'audit_events is append-only: the next row has position % and follows hash %',
            head.position + 1, head.hash using errcode = '55000';
        end if;
        update audit_head set position = last_added.position, hash = last_added.hash;
        return null;
      end $$;
      create trigger audit_events_continue after insert on audit_events
        referencing new table as added for each statement execute function continue_audit_chain();`,
  },
];
