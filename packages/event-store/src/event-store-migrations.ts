import type { Migration } from "@sluice/postgres";
import { GENESIS_HASH } from "./chain.ts";

/** Any number no one else uses as an advisory lock: who appends holds it until the end of the transaction. */
export const APPEND_LOCK = 4_400_003;

/**
 * The database keeps the record growing at its end only: triggers refuse every other change, and the head moves only by an
 * insert that continues the record. That holds against programs and ordinary roles. The owner of the tables can switch the
 * triggers off: so the role that the registry works with need not own them (see `eventStoreGrants`), and what an owner or a
 * superuser does all the same is found by the chain, by the signed checkpoints and by what is kept outside the database.
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
  {
    // Rows that were hashed in the form before go aside; the registry reads the log from its start and records it anew.
    name: "event-store/2-tree",
    sql: `
      drop trigger audit_events_continue on audit_events;
      do $$ begin
        if exists (select 1 from audit_events) then
          alter table audit_events rename to audit_events_1;
          alter table audit_head rename to audit_head_1;
          create trigger audit_events_1_closed before insert on audit_events_1
            for each row execute function refuse_audit_change();
        else
          drop table audit_events, audit_head;
        end if;
      end $$;
      drop function continue_audit_chain();

      create table audit_events (
        position bigint primary key,
        partition int not null, "offset" bigint not null,
        application text not null, sequence bigint not null, release_id text,
        event_id text not null, type text not null, payload text not null,
        refusal_code text, refusal_sentence text,
        recorded_at text not null, previous_hash text not null, hash text not null,
        unique (partition, "offset"), unique (application, sequence));
      create index audit_events_of_release on audit_events (release_id, position) where release_id is not null;

      create table audit_head (
        id int primary key default 1 check (id = 1), position bigint not null, hash text not null);
      insert into audit_head (position, hash) values (0, '${GENESIS_HASH}');

      create table audit_checkpoints (
        size bigint not null, note text not null, signed_at text not null, primary key (size, note));

      create trigger audit_events_no_change before update or delete on audit_events
        for each row execute function refuse_audit_change();
      create trigger audit_events_no_truncate before truncate on audit_events
        for each statement execute function refuse_audit_change();
      -- The head is moved by the trigger below (whose statements run at depth 1) and by nobody else.
      create trigger audit_head_no_change before insert or update or delete on audit_head
        for each row when (pg_trigger_depth() < 1) execute function refuse_audit_change();
      create trigger audit_head_no_truncate before truncate on audit_head
        for each statement execute function refuse_audit_change();
      create trigger audit_checkpoints_no_change before update or delete on audit_checkpoints
        for each row execute function refuse_audit_change();
      create trigger audit_checkpoints_no_truncate before truncate on audit_checkpoints
        for each statement execute function refuse_audit_change();

      -- Runs as the owner: the role that inserts may not touch the head.
      create function extend_audit_record() returns trigger language plpgsql
      security definer set search_path from current as $$
      declare
        head audit_head;
        first_added bigint;
        last_added record;
        added_rows bigint;
        stray record;
      begin
        select count(*), min(position) into added_rows, first_added from added;
        if added_rows = 0 then return null; end if;
        perform pg_advisory_xact_lock(${APPEND_LOCK});
        select * into head from audit_head for update;
        select position, hash into last_added from added order by position desc limit 1;
        if first_added <> head.position + 1 or last_added.position <> head.position + added_rows then
          raise exception 'audit_events is append-only: the next row has position %', head.position + 1
            using errcode = '55000';
        end if;
        select a.position, a.application into stray from added a
          where a.previous_hash is distinct from case when a.sequence = 1 then '${GENESIS_HASH}' else (
            select b.hash from audit_events b where b.application = a.application and b.sequence = a.sequence - 1) end
          limit 1;
        if found then
          raise exception 'audit_events is append-only: the row at position % does not follow the last one of %',
            stray.position, stray.application using errcode = '55000';
        end if;
        update audit_head set position = last_added.position, hash = last_added.hash;
        return null;
      end $$;
      create trigger audit_events_continue after insert on audit_events
        referencing new table as added for each statement execute function extend_audit_record();`,
  },
];

/** What a role needs that works with the record and does not own it: to read it, and to add to it. */
export const eventStoreGrants = (role: string): string => `
  grant select, insert on audit_events, audit_checkpoints to ${role};
  grant select on audit_head to ${role};`;
