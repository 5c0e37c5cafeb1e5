-- title: Papers of the networks
-- section: references
SELECT min(year) AS "year|Year|0", authors AS "authors|Authors", title AS "title|Title", venue AS "venue|Where"
FROM networks WHERE title IS NOT NULL GROUP BY title ORDER BY min(year), min(row)
