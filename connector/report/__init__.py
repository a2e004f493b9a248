"""A report of a shop: one HTML file with plots and tables, of customer service and of customers in a period.

    data = Report("Rue du Test", service_figures, customer_figures, days_so_far)
    page = render(data, "fr")                  # bytes, UTF-8; the same data give the same bytes

Gets figures as data (`connector.core.figures`) and asks nobody for more. The file is whole in itself: styles and plots
stand in it, nothing is loaded, nothing runs. It holds no name, address or text of a customer.
"""
