/* Views that figures and tables share. */
#ifndef NLG_REPORT_VIEWS_H
#define NLG_REPORT_VIEWS_H

/* The text of views.sql: statements that make them. They need the store's tables and what harness/report/query.h adds. */
const char *nlg_report_views(void);

#endif
