-- What happened in each hour, on all nodes together: for the charts of the console. Each node adds what it
-- has counted since it last did. Kept for ninety days.
create table activity (
    hour            bigint not null primary key,  -- hours since 1970
    sign_ins        bigint not null,
    failed_sign_ins bigint not null,
    tokens          bigint not null,
    requests        bigint not null,
    errors          bigint not null,              -- answers that were our own fault (5xx)
    within_10       bigint not null,              -- answers within so many milliseconds
    within_50       bigint not null,
    within_100      bigint not null,
    within_500      bigint not null
);

-- Why a delivery has not arrived yet, for the administrator who looks at the queue.
alter table outbox add column last_error text;
