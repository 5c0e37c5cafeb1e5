-- title: Papers
-- section: references
WITH other(year, authors, title, venue, used_for) AS (VALUES
  (1998, 'Y. LeCun, C. Cortes, C. J. C. Burges', 'The MNIST database of handwritten digits', 'yann.lecun.com/exdb/mnist', 'images'),
  (2016, 'B. Zoph, Q. V. Le', 'Neural Architecture Search with Reinforcement Learning', 'ICLR 2017, arXiv 1611.01578', 'search'),
  (2017, 'J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov', 'Proximal Policy Optimization Algorithms', 'arXiv 1707.06347', 'search'),
  (2017, 'H. Xiao, K. Rasul, R. Vollgraf', 'Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms', 'arXiv 1708.07747',
    'images'),
  (2020, 'X. Dong, Y. Yang', 'NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search', 'ICLR 2020, arXiv 2001.00326',
    'table of architectures'),
  (2020, 'X. Dong, L. Liu, K. Musial, B. Gabrys', 'NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size',
    'IEEE TPAMI 2021, arXiv 2009.00437', 'table of architectures'),
  (2024, 'Ahmad et al.', 'Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware NAS', 'DAC 2024', 'table of architectures')),
listed AS (
  SELECT min(year) AS year, authors, title, venue, 'networks' AS used_for, min(row) AS row FROM networks WHERE title IS NOT NULL GROUP BY title
  UNION ALL SELECT *, NULL FROM other)
SELECT year AS "year|Year|0", authors AS "authors|Authors", title AS "title|Title", venue AS "venue|Where", used_for AS "used_for|For"
FROM listed ORDER BY year, row IS NULL, row, authors
