/* Views that figures and tables share. */
#ifndef NLG_QUERY_VIEWS_H
#define NLG_QUERY_VIEWS_H

/* The text of views.sql: statements that make them. They need the store's tables and what harness/query/query.h adds. */
const char *nlg_query_views(void);

#endif
